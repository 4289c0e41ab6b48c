"""The contract of a class that is given as module:Model."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ops.cli.failing import Trouble, WrongUse

if TYPE_CHECKING:
    from bus.avro.contract import Contract


def is_class(given: str) -> bool:
    """Whether it is module:Model and not a contract's name, which has no colon."""
    return ":" in given


def contract_of_class(given: str, record_namespace: str | None) -> Contract:
    """The contract of a pydantic model or a dataclass, as `bus.contract` derives it.

    Args:
        given: `module:Model`, or `module:Model=NAME` where the program gives `name=`.
        record_namespace: What the program gives as `namespace=`.

    Raises:
        WrongUse: There is no such module or class.
        Trouble: The module cannot be imported, or no contract can be derived from the class.
    """
    from bus import ContractError, contract

    place, named, name = given.partition("=")
    module, _, path = place.partition(":")
    if not _dotted(module) or not _dotted(path) or (named and not name):
        raise WrongUse(f"{given} is no class; give module:Model or module:Model=NAME, the module as Python imports it")
    model: Any = _imported(module)
    for part in path.split("."):
        if not hasattr(model, part):
            raise WrongUse(f"module {module} has no {path}; give a class of it as {module}:Model")
        model = getattr(model, part)
    if not isinstance(model, type):
        raise WrongUse(f"{place} is no class; give a pydantic model or a dataclass")
    try:
        return contract(model, name=name or None, namespace=record_namespace)
    except ContractError as error:
        raise Trouble(f"{place}: {error}") from error


def _dotted(path: str) -> bool:
    return all(part.isidentifier() for part in path.split("."))


def _imported(module: str) -> ModuleType:
    try:
        # What a module prints is none of the command's answer.
        with contextlib.redirect_stdout(sys.stderr), _current_folder_first():
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise WrongUse(
                f"module {error.name} is not found; run this in the folder that holds it, or set PYTHONPATH"
            ) from error
        raise Trouble(f"module {module} cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:  # a module may do anything
        raise Trouble(f"module {module} cannot be imported: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _current_folder_first() -> Iterator[None]:
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the module may have taken it out
            sys.path.remove(folder)
