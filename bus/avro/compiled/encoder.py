"""The function of a schema: lines for what has other types inside, and the whole of them compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bus.avro.admission import AVRO_NAME
from bus.avro.compiled.branches import first_takers
from bus.avro.compiled.leaves import leaf_lines
from bus.avro.compiled.lines import Lines, Part, Unsupported
from bus.avro.compiled.names import names, varint
from bus.avro.guard import definitions, filled, resolved


def compiled_encoder(parsed: Any) -> Callable[[Any, bytes], bytes] | None:
    """What writes a plain value of a parsed schema (names in full, no cycles) behind a frame; `None` if nothing does.

    The function returns the bytes that fastavro would, or raises `Unusual`, whatever it is given: types are compared,
    not tested, so no subclass has a say, and no value is written that the guard refuses.
    """
    if not isinstance(parsed, dict) or parsed.get("type") != "record" or "logicalType" in parsed:
        return None
    source = _Source(definitions(parsed))
    try:
        parts = source.record(parsed, "data", 2)
    except Unsupported:
        return None
    whole = ", ".join(["frame", *source.packed(parts)])
    last = [f"  return join(({whole},))", " except REFUSALS:", "  raise Unusual from None"]
    text = "\n".join(["def encode(data, frame):", " try:", *source.lines, *last])
    namespace = {**names(), **source.constants}
    # It pays: a loop over the fields that calls a function for each takes longer than fastavro's C, and this a third
    # as long. It is safe: the text is made of this package's own literals and numbers, and of field names that are held
    # to Avro's grammar (letters, digits, underscores); all else of a schema, symbols too, is in the namespace.
    exec(compile(text, "<avro encoder>", "exec"), namespace)  # noqa: S102 - no text of a stranger's, as said above
    encode: Callable[[Any, bytes], bytes] = namespace["encode"]
    return encode


class _Source(Lines):
    """The lines of one encoder: each method writes what checks the value in a variable and gives its pieces."""

    def __init__(self, named: dict[str, Any]) -> None:
        super().__init__()
        self._named = named
        self._tables: dict[str, str] = {}

    def record(self, schema: Any, value: str, indent: int) -> list[Part]:
        count = len(schema["fields"])
        # Not a NaN, whose default is text: fastavro fills it in, but not for a record in a union.
        given = {f["name"]: filled(f) for f in schema["fields"] if filled(f) is f.get("default")}
        self.unless(f"type({value}) is not dict", indent)
        # As many keys as fields, and every field among them (or a KeyError): none is strange.
        if given:
            self.line(indent, f"if len({value}) != {count}: {value} = {{**{self.constant(given)}, **{value}}}")
        self.unless(f"len({value}) != {count}", indent)
        parts: list[Part] = []
        for field in schema["fields"]:
            name = field["name"]
            if type(name) is not str or not AVRO_NAME.fullmatch(name):
                raise Unsupported
            inner = self.variable()
            self.line(indent, f"{inner} = {value}[{name!r}]")
            parts += self._any(field["type"], inner, indent)
        return parts

    def _any(self, schema: Any, value: str, indent: int) -> list[Part]:
        if isinstance(schema, list):
            return self._union(schema, value, indent)
        if isinstance(schema, str):
            known = self._named.get(schema)
            return self._any(known, value, indent) if known else leaf_lines(self, schema, value, indent)
        match schema["type"]:
            case "record" | "array" | "map" | "enum" if "logicalType" in schema:
                raise Unsupported
            case "record":
                return self.record(schema, value, indent)
            case "array" | "map" as kind:
                return self._block(schema, kind, value, indent)
            case "enum":
                self.unless(f"type({value}) is not str", indent)
                return [("", f"{self._table(schema)}[{value}]")]
            case "fixed" if "logicalType" not in schema:
                self.unless(f"type({value}) is not bytes or len({value}) != {int(schema['size'])}", indent)
                return [("", value)]
        return leaf_lines(self, schema, value, indent)

    def _table(self, enum: Any) -> str:
        """One for all uses of an enum, or a small schema could ask for a million symbols."""
        if (name := enum["name"]) not in self._tables:
            table = {symbol: varint(2 * at) for at, symbol in enumerate(enum["symbols"])}
            self._tables[name] = self.constant(table)
        return self._tables[name]

    def _union(self, branches: list[Any], value: str, indent: int) -> list[Part]:
        out, word = self.variable(), "if"
        takers = first_takers([resolved(branch, self._named) for branch in branches])
        only = len(branches) == 2 and branches.count("null") == 1 and all(takers)  # what is let in is looked at inside
        for at, types in sorted(enumerate(takers), key=lambda each: branches[each[0]] != "null"):
            if not types:
                continue
            condition = " or ".join(f"{value} is None" if t == "None" else f"type({value}) is {t}" for t in types)
            self.line(indent, "else:" if only and word == "elif" else f"{word} {condition}:")
            word = "elif"
            inner = [] if types == ["None"] else self._any(branches[at], value, indent + 1)
            parts = [("", self.constant(varint(2 * at))), *inner]
            whole = " + ".join(pieces) if len(pieces := self.packed(parts)) < 4 else f"join(({', '.join(pieces)}))"
            self.line(indent + 1, f"{out} = {whole}")
        if not only:
            self.line(indent, "else: raise Unusual")
        return [("", out)]

    def _block(self, schema: Any, kind: str, value: str, indent: int) -> list[Part]:
        item, out = self.variable(), self.variable()
        self.unless(f"type({value}) is not {'list' if kind == 'array' else 'dict'}", indent)
        self.line(indent, f"if not {value}: {out} = END")
        self.line(indent, "else:")
        self.line(indent + 1, f"{out} = [LENGTH[len({value})]]")
        if kind == "array":
            self.line(indent + 1, f"for {item} in {value}:")
            parts = []
        else:
            key = self.variable()
            self.line(indent + 1, f"for {key}, {item} in {value}.items():")
            parts = leaf_lines(self, "string", key, indent + 2)
        parts += self._any(schema["items" if kind == "array" else "values"], item, indent + 2)
        if not parts:
            raise Unsupported
        self.line(indent + 2, f"{out} += ({', '.join(self.packed(parts))},)")
        self.line(indent + 1, f"{out} = join({out}) + END")
        return [("", out)]
