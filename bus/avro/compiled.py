"""An encoder compiled once a schema for the common shapes, that hands everything unusual to fastavro."""

from __future__ import annotations

import datetime
import re
import struct
from collections.abc import Callable
from functools import cache
from itertools import groupby
from typing import Any

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEXT_MAX = 100_000
"""In characters. A named type is written out wherever it is used, which in a small schema can be 2^64 times."""
_INDENT_MAX = 16
"""Python takes no more than 20 loops inside each other; a loop indents by two."""

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
_TIMESTAMPS = {
    ("long", "timestamp-micros"): "(gone.days * 86400 + gone.seconds) * 1000000 + gone.microseconds",
    ("long", "timestamp-millis"): "(gone.days * 86400 + gone.seconds) * 1000 + gone.microseconds // 1000",
}
_REFUSALS = (LookupError, ValueError, TypeError, ArithmeticError, RuntimeError, struct.error)
"""What plain data never raises: a field or a symbol is missing, a text or a list is longer than the table of lengths, a
lone surrogate, a number too large to pack, a time zone that knows no offset, a dict that changes under the loop."""

_Part = tuple[str, str]
"""An expression of a piece of the value: bytes as they are (""), or what goes into a struct with this format."""


class Unusual(Exception):  # noqa: N818 - no error: the other way is taken
    """The data is not exactly the plain case: fastavro writes it, or says what is wrong with it."""


class _Unsupported(Exception):  # noqa: N818 - likewise
    """The schema has a type that is left to fastavro."""


def compiled_encoder(parsed: Any) -> Callable[[Any, bytes], bytes] | None:
    """What writes a plain value of a parsed schema (names in full, no cycles) behind a frame; `None` if nothing does.

    The function returns the bytes that fastavro would, or raises `Unusual`, whatever it is given: types are compared,
    not tested, so no subclass has a say, and no value is written that the guard refuses.
    """
    if not isinstance(parsed, dict) or parsed.get("type") != "record" or "logicalType" in parsed:
        return None
    source = _Source()
    try:
        parts = source.record(parsed, "data", 2)
    except _Unsupported:
        return None
    whole = ", ".join(["frame", *source.packed(parts)])
    last = [f"  return join(({whole},))", " except REFUSALS:", "  raise Unusual from None"]
    text = "\n".join(["def encode(data, frame):", " try:", *source.lines, *last])
    namespace = {**_names(), **source.constants}
    # It pays: a loop over the fields that calls a function for each takes longer than fastavro's C, and this a third
    # as long. It is safe: the text is made of this module's own literals and numbers, and of field names that `_Source`
    # holds to Avro's grammar (letters, digits, underscores); all else of a schema, symbols too, is in the namespace.
    exec(compile(text, "<avro encoder>", "exec"), namespace)  # noqa: S102 - no text of a stranger's, as said above
    encode: Callable[[Any, bytes], bytes] = namespace["encode"]
    return encode


class _Source:
    """The lines of one encoder: each method writes what checks the value in a variable and gives its pieces."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self._named: dict[str, Any] = {}
        self._tables: dict[str, str] = {}
        self._count = self._text = 0

    def _line(self, indent: int, text: str) -> None:
        self._text += len(text)
        if self._text > _TEXT_MAX or indent > _INDENT_MAX:
            raise _Unsupported
        self.lines.append(" " * indent + text)

    def _variable(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _constant(self, value: Any) -> str:
        self._count += 1
        self.constants[name := f"C{self._count}"] = value
        return name

    def _table(self, enum: Any) -> str:
        """One for all uses of an enum, or a small schema could ask for a million symbols."""
        if (name := enum["name"]) not in self._tables:
            table = {symbol: _varint(2 * at) for at, symbol in enumerate(enum["symbols"])}
            self._tables[name] = self._constant(table)
        return self._tables[name]

    def packed(self, parts: list[_Part]) -> list[str]:
        """Expressions of bytes; neighbours of fixed size are packed by one struct."""
        out: list[str] = []
        for fixed, run in groupby(parts, key=lambda part: part[0] != ""):
            forms, pieces = zip(*run, strict=True)
            pack = struct.Struct(f"<{''.join(forms)}").pack
            out += [f"{self._constant(pack)}({', '.join(pieces)})"] if fixed else pieces
        return out

    def record(self, schema: Any, value: str, indent: int) -> list[_Part]:
        # As many keys as fields, and every field among them (or a KeyError): none is strange.
        self._expect(f"type({value}) is not dict or len({value}) != {len(schema['fields'])}", indent)
        parts: list[_Part] = []
        for field in schema["fields"]:
            name = field["name"]
            if type(name) is not str or not _NAME.fullmatch(name):
                raise _Unsupported
            inner = self._variable()
            self._line(indent, f"{inner} = {value}[{name!r}]")
            parts += self._any(field["type"], inner, indent)
        return parts

    def _any(self, schema: Any, value: str, indent: int) -> list[_Part]:
        if isinstance(schema, list):
            return self._union(schema, value, indent)
        if isinstance(schema, str):
            known = self._named.get(schema)
            return self._any(known, value, indent) if known else self._primitive(schema, value, indent)
        kind, logical = schema["type"], schema.get("logicalType")
        if logical is not None:
            return self._logical(kind, logical, value, indent)
        if not isinstance(kind, str):
            raise _Unsupported
        if kind in ("record", "enum", "fixed"):
            self._named[schema["name"]] = schema
        match kind:
            case "record":
                return self.record(schema, value, indent)
            case "enum":
                self._expect(f"type({value}) is not str", indent)
                return [("", f"{self._table(schema)}[{value}]")]
            case "fixed":
                self._expect(f"type({value}) is not bytes or len({value}) != {int(schema['size'])}", indent)
                return [("", value)]
            case "array" | "map":
                return self._block(schema, kind, value, indent)
        return self._primitive(kind, value, indent)

    def _expect(self, wrong: str, indent: int) -> None:
        self._line(indent, f"if {wrong}: raise Unusual")

    def _primitive(self, kind: str, value: str, indent: int) -> list[_Part]:
        match kind:
            case "string" | "bytes":
                self._expect(f"type({value}) is not {'str' if kind == 'string' else kind}", indent)
                if kind == "string":
                    self._line(indent, f"{value} = {value}.encode()")
                return [("", f"LENGTH[len({value})]"), ("", value)]
            case "float" | "double":
                self._expect(f"type({value}) is not float and type({value}) is not int", indent)
                return [(kind[0], value)]
            case "boolean":
                self._expect(f"type({value}) is not bool", indent)
                return [("?", value)]
            case "int" | "long":
                self._expect(f"type({value}) is not int", indent)
                return self._integer(kind, value, indent)
            case "null":
                self._expect(f"{value} is not None", indent)
                return []
        raise _Unsupported

    def _integer(self, kind: str, value: str, indent: int) -> list[_Part]:
        """Fourteen bits a step from tables; a long of over 42 (a time in microseconds) by a function."""
        self._line(indent, f"{value} = {value} + {value} if {value} >= 0 else -1 - {value} - {value}")
        if kind == "int":
            self._expect(f"{value} > 4294967295", indent)
        self._line(indent, f"if {value} < 16384: {value} = LAST[{value}]")
        self._line(indent, f"elif {value} < 268435456: {value} = MORE[{value} & 16383] + LAST[{value} >> 14]")
        longer = f"MORE[{value} & 16383] + MORE[{value} >> 14 & 16383] + LAST[{value} >> 28]"
        self._line(indent, f"elif {value} < 4398046511104: {value} = {longer}")
        self._line(indent, f"else: {value} = large({value})")
        return [("", value)]

    def _logical(self, kind: Any, logical: Any, value: str, indent: int) -> list[_Part]:
        if (kind, logical) == ("int", "date"):
            self._expect(f"type({value}) is not date", indent)
            self._line(indent, f"{value} = {value}.toordinal() - {_EPOCH_DAY}")
        elif isinstance(kind, str) and isinstance(logical, str) and (kind, logical) in _TIMESTAMPS:
            self._line(indent, f"if type({value}) is datetime:")
            self._line(indent + 1, f"gone = {value} - EPOCH")  # a TypeError where there is no zone
            self._line(indent + 1, f"{value} = {_TIMESTAMPS[kind, logical]}")
            self._line(indent, f"elif type({value}) is not int: raise Unusual")
        else:
            raise _Unsupported
        return self._integer(kind, value, indent)

    def _union(self, branches: list[Any], value: str, indent: int) -> list[_Part]:
        others = [at for at, branch in enumerate(branches) if branch != "null"]
        if len(branches) != 2 or len(others) != 1:
            raise _Unsupported
        out = self._variable()
        self._line(indent, f"if {value} is None: {out} = {self._constant(_varint(2 - 2 * others[0]))}")
        self._line(indent, "else:")
        parts = [("", self._constant(_varint(2 * others[0]))), *self._any(branches[others[0]], value, indent + 1)]
        whole = " + ".join(pieces) if len(pieces := self.packed(parts)) < 4 else f"join(({', '.join(pieces)}))"
        self._line(indent + 1, f"{out} = {whole}")
        return [("", out)]

    def _block(self, schema: Any, kind: str, value: str, indent: int) -> list[_Part]:
        item, out = self._variable(), self._variable()
        inner = schema["items" if kind == "array" else "values"]
        if isinstance(inner, list):  # the guard lets no None in here
            raise _Unsupported
        self._expect(f"type({value}) is not {'list' if kind == 'array' else 'dict'}", indent)
        self._line(indent, f"if not {value}: {out} = END")
        self._line(indent, "else:")
        self._line(indent + 1, f"{out} = [LENGTH[len({value})]]")
        if kind == "array":
            self._line(indent + 1, f"for {item} in {value}:")
            parts = []
        else:
            key = self._variable()
            self._line(indent + 1, f"for {key}, {item} in {value}.items():")
            parts = self._primitive("string", key, indent + 2)
        parts += self._any(inner, item, indent + 2)
        self._line(indent + 2, f"{out} += ({', '.join(self.packed(parts))},)")
        self._line(indent + 1, f"{out} = join({out}) + END")
        return [("", out)]


def _varint(number: int) -> bytes:
    return bytes((number,)) if number < 128 else bytes((number & 127 | 128,)) + _varint(number >> 7)


@cache
def _names() -> dict[str, Any]:
    """What the text of every encoder may name; the builtins are not among it."""
    last = tuple(map(_varint, range(1 << 14)))
    more = tuple(bytes((low | 128, high | 128)) for high in range(128) for low in range(128))

    def large(number: int) -> bytes:
        if number < 1 << 56:
            return more[number & 16383] + more[number >> 14 & 16383] + more[number >> 28 & 16383] + last[number >> 42]
        if number >> 64:
            raise Unusual
        return _varint(number)

    types = (bool, bytes, dict, float, int, list, str, type, datetime.date, datetime.datetime, Unusual)
    tables = {"LAST": last, "MORE": more, "LENGTH": last[::2], "END": b"\0", "EPOCH": _EPOCH, "REFUSALS": _REFUSALS}
    functions = {"large": large, "len": len, "join": b"".join, "__builtins__": {}}
    return {each.__name__: each for each in types} | tables | functions
