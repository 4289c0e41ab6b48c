"""Which branch of a union the encoder writes a value of a plain Python type to, where the type alone says so."""

from __future__ import annotations

from typing import Any

from bus.avro.compiled.lines import Unsupported
from bus.avro.leaves import logical_of

_NUMBER = ("int", "float")
_MOMENT = ("datetime", "int")
_TIME = ("time", "int")
_TYPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "null": (("None",), ()),
    "boolean": (("bool",), ()),
    "int": (("int",), ()),
    "long": (("int",), ()),
    "float": (_NUMBER, ()),
    "double": (_NUMBER, ()),
    "string": (("str",), ()),
    "enum": (("str",), ()),
    "bytes": (("bytes",), ()),
    "fixed": (("bytes",), ()),
    "array": (("list",), ("bytes",)),
    "map": (("dict",), ()),
    "record": (("dict",), ()),
    "error": (("dict",), ()),
    "timestamp-millis": (_MOMENT, ()),
    "timestamp-micros": (_MOMENT, ()),
    "local-timestamp-millis": (_MOMENT, ()),
    "local-timestamp-micros": (_MOMENT, ()),
    "date": (("date", "int"), ("datetime", "str")),
    "time-millis": (_TIME, ()),
    "time-micros": (_TIME, ()),
    "uuid": (("UUID",), ("str",)),
    "decimal": (("Decimal",), ("bytes",)),
}
"""The types of which values are written, and others that fastavro looks at more closely, or fails on."""


def first_takers(branches: list[Any]) -> list[list[str]]:
    """For each branch (no reference), the names of the Python types whose values it writes.

    fastavro takes the first branch that fits. So a value that fits the first branch that takes its type at all is
    written there, but for four cases that are left to it: a float goes to a double behind it, of records the one with
    most of the fields wins, a map behind a record wins over it, and a plain number that fits a date or a time goes
    there though another branch is meant.

    Raises:
        Unsupported: There is no branch, a union inside, or no saying which record a dict is.
    """
    if not branches or any(isinstance(branch, list) for branch in branches):
        raise Unsupported
    kinds = [branch if isinstance(branch, str) else logical_of(branch) or branch["type"] for branch in branches]
    out: list[list[str]] = [[] for _ in branches]
    for name in dict.fromkeys(name for kind in kinds for name in _TYPES[kind][0]):
        takers = [at for at, kind in enumerate(kinds) if any(name in types for types in _TYPES[kind])]
        first, rest = takers[0], [kinds[at] for at in takers[1:]]
        if rest and name == "dict":
            raise Unsupported
        written, _ = _TYPES[kinds[first]]
        unsure = (kinds[first] == "float" and "double" in rest) or (name == "int" and written[0] != "int" and rest)
        if name in written and not unsure:
            out[first].append(name)
    if not any(out):
        raise Unsupported
    return out
