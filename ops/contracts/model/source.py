"""Python source made of names and values that strangers wrote: quoted and laid out."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

_WIDTH = 88


@dataclass(frozen=True, slots=True)
class Group:
    """Something in brackets, which is broken into lines where it is too long for one."""

    open: str
    items: tuple[Expression, ...]
    close: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text behind a prefix, which is broken into pieces where it is too long for a line."""

    prefix: str
    text: str


Expression: TypeAlias = str | Group | Text


def prefixed(prefix: str, expression: Expression) -> Expression:
    """The expression behind what stands before it, such as `key: `."""
    if isinstance(expression, Group):
        return Group(prefix + expression.open, expression.items, expression.close)
    return prefix + flat(expression)


def flat(expression: Expression) -> str:
    """On one line."""
    if isinstance(expression, Group):
        return f"{expression.open}{', '.join(map(flat, expression.items))}{expression.close}"
    return expression if isinstance(expression, str) else expression.prefix + quoted(expression.text)


def laid_out(start: str, expression: Expression, end: str, indent: int) -> Iterator[str]:
    """The lines of `start`, an expression and `end`."""
    line = f"{' ' * indent}{start}{flat(expression)}{end}"
    if isinstance(expression, str) or len(line) <= _WIDTH:
        yield line
    elif isinstance(expression, Group):
        yield f"{' ' * indent}{start}{expression.open}"
        for item in expression.items:
            yield from laid_out("", item, ",", indent + 4)
        yield f"{' ' * indent}{expression.close}{end}"
    else:
        yield from _pieces(start + expression.prefix, expression.text, end, indent)


def assigned(name: str, annotation: Expression, value: Expression | None) -> Iterator[str]:
    """The lines of a field in a class."""
    if value is None:
        yield from laid_out(f"{name}: ", annotation, "", 4)
        return
    start, end = f"{name}: {flat(annotation)} = ", f" = {flat(value)}"
    if isinstance(value, Group) and 4 + len(start + value.open) <= _WIDTH < 4 + len(start + flat(value)):
        yield from laid_out(start, value, "", 4)
    else:
        yield from laid_out(f"{name}: ", annotation, end, 4)


def quoted(value: str | bytes) -> str:
    """A literal that Python reads as exactly this, in double quotes where that takes no more escapes."""
    literal = repr(value)
    body = literal.removeprefix("b")[1:-1]
    if literal[-1] == "'" and '"' not in body and "'" not in body:
        return f'{"b" if isinstance(value, bytes) else ""}"{body}"'
    return literal


def docstring(doc: str, indent: int) -> Iterator[str]:
    """The lines of a docstring; lines that are too long are broken at spaces."""
    width = _WIDTH - indent - 6  # with the quotes on both sides
    lines = [
        _escaped(part)
        for line in inspect.cleandoc(doc).split("\n")
        for part in ([line] if len(line) <= width else _wrapped(line, width))
    ]
    if not any(lines):
        return
    if len(lines) == 1:
        yield f'{" " * indent}"""{lines[0]}"""'
        return
    yield f'{" " * indent}"""{lines[0]}'
    yield from (" " * indent + line if line else "" for line in lines[1:])
    yield f'{" " * indent}"""'


def comment(text: str, indent: int) -> Iterator[str]:
    """The lines of a comment."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    yield from (f"{' ' * indent}# {line}" for line in _wrapped(printable, _WIDTH - indent - 2))


def _pieces(start: str, text: str, end: str, indent: int) -> Iterator[str]:
    width = max(_WIDTH - indent - len(start) - 3, 20)
    wrapper = textwrap.TextWrapper(width, drop_whitespace=False, replace_whitespace=False, expand_tabs=False)
    literals = [quoted(piece) for piece in wrapper.wrap(text) or [""]]
    yield f"{' ' * indent}{start}{literals[0]}{'' if literals[1:] else end}"
    for literal in literals[1:-1]:
        yield f"{' ' * indent}{literal}"
    if literals[1:]:
        yield f"{' ' * indent}{literals[-1]}{end}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _escaped(line: str) -> str:
    """A line of a docstring: no quote ends it, and nothing is invisible."""
    quotes = '\\"' if '"""' in line or line.endswith('"') else '"'
    escaped = (repr(each)[1:-1] if each == "\\" or not each.isprintable() else each for each in line)
    return "".join(quotes if each == '"' else each for each in escaped)
