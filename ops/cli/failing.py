"""From an error to an exit code and one sentence on standard error; never a traceback unless asked for."""

from __future__ import annotations

import logging
import sys
import traceback

FINE, TROUBLE, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


class WrongUse(Exception):  # noqa: N818 - what the user did, not what broke
    """The command was given something that it cannot work with; the text says what to give."""


class Trouble(Exception):  # noqa: N818 - found, not caused
    """What was asked for is not there, or not as it should be."""


class Debugging:
    """Whether tracebacks and the logs of libraries are wanted; set by `--debug`."""

    wanted = False

    @classmethod
    def begin(cls, wanted: bool) -> None:
        """Sets up logging: ours as single lines on standard error, those of libraries only when debugging."""
        cls.wanted = wanted
        for name in ("aiokafka", "asyncio", "kafka", "testcontainers", "urllib3"):
            logging.getLogger(name).setLevel(logging.NOTSET if wanted else logging.CRITICAL + 1)
        root = logging.getLogger()
        root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, _OneLine)]
        root.addHandler(_OneLine())
        root.setLevel(logging.DEBUG if wanted else logging.WARNING)


class _OneLine(logging.Handler):
    """Writes to what standard error is now, not to what it was when logging began."""

    def emit(self, record: logging.LogRecord) -> None:
        """One line a record."""
        tell(f"{record.levelname.lower()}: {record.getMessage()}")
        if Debugging.wanted and record.exc_info:
            sys.stderr.write("".join(traceback.format_exception(*record.exc_info)))


def tell(sentence: str) -> None:
    """One sentence on standard error."""
    from ops.cli.printing import printable

    lines = [printable(line) for line in sentence.splitlines()]
    sys.stderr.write("tierbus: " + "\n".join(lines) + "\n")
    sys.stderr.flush()


def told(error: BaseException) -> int:
    """Says what went wrong, and returns the exit code for it."""
    code, sentence = verdict(error)
    if Debugging.wanted:
        traceback.print_exception(error)
    tell(sentence)
    return code


def verdict(error: BaseException) -> tuple[int, str]:
    """The exit code and the sentence.

    What the bus calls a ValueError is wrong use (settings, topics, contracts, data that does not fit); its other
    errors are trouble. Its modules are looked up and not imported: an error of theirs has imported them.
    """
    if isinstance(error, WrongUse):
        return WRONG_USE, str(error)
    if isinstance(error, Trouble):
        return TROUBLE, str(error)
    if hasattr(error, "format_message"):  # the argument parser's own, whichever library it is from
        return int(getattr(error, "exit_code", WRONG_USE)), _usage(error)
    if _is_a(error, "bus.errors", "TierbusError"):
        return (WRONG_USE if isinstance(error, ValueError) else TROUBLE), str(error)
    if _is_a(error, "ops.broker.values", "BrokerError"):
        return TROUBLE, str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return TROUBLE, f"{where}{error.strerror}"
    return TROUBLE, f"unexpected {type(error).__name__}: {error}; run it again with --debug to see where"


def _usage(error: BaseException) -> str:
    message = str(error.format_message()).strip().rstrip(".")  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tierbus"
    return f"{' '.join(message.split())}; see `{path} --help`"


def _is_a(error: BaseException, module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(error, getattr(loaded, name))
