"""The Python source of a model for an Avro schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from bus.errors import ContractError
from ops.contracts.model.defaults import Defaults
from ops.contracts.model.names import Names
from ops.contracts.model.outline import Outline, outline, short
from ops.contracts.model.source import Expression, Group, Text, assigned, comment, docstring, prefixed, quoted
from ops.contracts.model.types import Type, Types, refusal, union_notes

_STYLES = ("pydantic", "dataclass")


def model_source(schema: Any, *, style: Literal["pydantic", "dataclass"] = "pydantic") -> str:
    """The source of a module with a pydantic v2 model, or a dataclass, for the schema of a record.

    Decoded values of the schema validate into it. `bus.avro.derive.derive` makes of it a schema that reads and writes
    the same data, with the exceptions that `# Avro:` comments in the source name: what Python or `derive` cannot say,
    such as 32 bits, the size of fixed bytes, or a union whose types `derive` does not tell apart. Names that Python
    does not take (keywords, and in a model what pydantic has itself) get a `_`, and pydantic's alias for the Avro name.
    Nothing of the schema becomes code: names are held to Avro's grammar, all else is quoted.

    Args:
        schema: Plain JSON schema of a record.
        style: A pydantic v2 model, or a frozen dataclass with keyword arguments.

    Raises:
        ContractError: The schema is not admitted, is no record, or has a name that is no Avro name.
    """
    if style not in _STYLES:
        raise ContractError(f"style {style!r} is unknown; take one of {', '.join(_STYLES)}")
    return "\n".join(_Module(outline(schema), pydantic=style == "pydantic").lines()) + "\n"


class _Module:
    """The classes of one source, each after those that it uses."""

    def __init__(self, read: Outline, *, pydantic: bool) -> None:
        self._read = read
        self._pydantic = pydantic
        self._names = Names(read, pydantic=pydantic)
        self._scope = self._names.scope
        self._types = Types(self._names, read.named)
        self._defaults = Defaults(self._names, read.named)

    def lines(self) -> Iterator[str]:
        # The classes first: they say which imports are needed.
        classes = [list(self._class(schema)) for schema in self._read.named.values() if self._has_class(schema)]
        yield f'"""Model of the contract {self._read.record["name"]}."""'
        yield ""
        yield from self._scope.import_lines()
        for at, lines in enumerate(classes):
            yield from ["", *lines] + ([""] if at < len(classes) - 1 else [])

    def _has_class(self, schema: Mapping[str, Any]) -> bool:
        return schema["type"] != "fixed" and schema["name"] not in self._names.literals

    def _class(self, schema: Mapping[str, Any]) -> Iterator[str]:
        full = schema["name"]
        name, reference = self._names.classes[full], self._names.references[full]
        inside = full.rpartition(".")[0]
        if name != short(full):
            yield from comment(f"Avro: called {full}", 0)
        elif inside != self._read.record["name"].rpartition(".")[0]:
            yield from comment(f"Avro: in the namespace {inside or 'that has no name'}", 0)
        if schema["type"] == "record" and not self._pydantic:
            yield f"@{self._scope.imported('dataclass')}(frozen=True, slots=True, kw_only=True)"
        base = "StrEnum" if schema["type"] == "enum" else "BaseModel"
        bases = "" if schema["type"] == "record" and not self._pydantic else f"({self._scope.imported(base)})"
        yield f"class {name}{bases}:"
        doc = schema.get("doc")
        blocks = [
            list(docstring(doc, 4)) if isinstance(doc, str) else [],
            *(self._of_record(schema) if schema["type"] == "record" else self._of_enum(schema)),
        ]
        yield from _separated([block for block in blocks if block] or [["    pass"]])
        if reference != name:
            yield from ["", "", f"{reference} = {name}"]

    def _of_enum(self, enum: Mapping[str, Any]) -> Iterator[list[str]]:
        members = self._names.members[enum["name"]]
        yield [f"    {members[symbol]} = {quoted(symbol)}" for symbol in enum["symbols"]]
        default = enum.get("default")
        yield [
            *([] if default is None else [f"    __avro_default__ = {quoted(default)}"]),
            *self._aliases(enum),
        ]

    def _of_record(self, record: Mapping[str, Any]) -> Iterator[list[str]]:
        yield list(self._aliases(record))
        names = self._names.fields[record["name"]]
        if any(avro != python for avro, python in names.items()):
            setting = "model_config" if self._pydantic else "__pydantic_config__"
            yield [f"    {setting} = {self._scope.imported('ConfigDict')}(populate_by_name=True)"]
        yield [line for field in record["fields"] for line in self._field(field, names[field["name"]])]

    def _aliases(self, schema: Mapping[str, Any]) -> Iterator[str]:
        """Aliases of a type; `derive` takes those without a dot for names in the contract's namespace."""
        full = schema["name"]
        inside = full.rpartition(".")[0]
        own = inside == self._read.record["name"].rpartition(".")[0] or not inside
        aliases = [alias if own or "." in alias else f"{inside}.{alias}" for alias in schema["aliases"]]
        if self._names.classes[full] != short(full):
            aliases.insert(0, full)
        if aliases:
            yield f"    __avro_aliases__ = ({', '.join(map(quoted, aliases))}{',' if len(aliases) == 1 else ''})"

    def _field(self, field: Mapping[str, Any], name: str) -> Iterator[str]:
        notes = [f"called {field['name']}"] if name != field["name"] else []
        kinds: list[Any] = []
        if isinstance(field["type"], list):
            kind, kinds = self._types.of_union(field["type"], notes)
        else:
            kind = self._types.of(field["type"], notes)
        default = self._default(field, kinds, notes)
        for note in dict.fromkeys(notes):
            yield from comment(f"Avro: {note}", 4)
        yield from assigned(name, self._annotation(field, name, kind), default)

    def _default(self, field: Mapping[str, Any], kinds: list[Any], notes: list[str]) -> Expression | None:
        """The expression of a default; also the notes on a union, which depend on it."""
        schema, value = field["type"], field.get("default")
        expression: Expression | None = None
        first: Any = None
        if "default" in field:
            try:
                if isinstance(schema, list):
                    branch, expression = self._defaults.of_union(value, schema)
                    first = kinds[schema.index(branch)]
                else:
                    expression = self._defaults.expression(value, schema)
            except (ValueError, ArithmeticError) as error:
                notes.append(f"default {value!r:.60} left out: {error}")
        if isinstance(schema, list):
            if first is not None and (why := refusal(kinds, first)) and not refusal(kinds):
                notes.append(f"default {value!r:.60} left out, which bus.avro.derive refuses: {why}")
                first = expression = None
            notes += union_notes(schema, kinds, first)
        return expression if self._pydantic or expression is None else self._of_dataclass(expression, notes)

    def _of_dataclass(self, expression: Expression, notes: list[str]) -> Expression:
        """A default where no value is copied: what may change comes from a factory."""
        if not isinstance(expression, Group):
            return expression
        field = self._scope.imported("field")
        if expression.open not in ("[", "{"):
            return Group(f"{field}(", (prefixed("default=", expression),), ")")
        if not expression.items:
            factory = self._scope.imported("list" if expression.open == "[" else "dict")
            return f"{field}(default_factory={factory})"
        notes.append("a default that is made by a factory, which bus.avro.derive leaves out")
        return Group(f"{field}(", (prefixed("default_factory=lambda: ", expression),), ")")

    def _annotation(self, field: Mapping[str, Any], name: str, kind: Type) -> Expression:
        former = [*([field["name"]] if name != field["name"] else []), *field["aliases"]]
        arguments: list[Expression] = list(kind.constraints)
        if name != field["name"]:
            arguments.append(f"alias={quoted(field['name'])}")
        if isinstance(doc := field.get("doc"), str) and doc:
            arguments.append(Text("description=", doc))
        parts: list[Expression] = [kind.text]
        if former:
            renamed = self._scope.imported("RenamedFrom")
            parts.append(Group(f"{renamed}(", tuple(map(quoted, former)), ")"))
        if arguments:
            parts.append(Group(f"{self._scope.imported('Field')}(", tuple(arguments), ")"))
        if len(parts) == 1:
            return kind.text
        return Group(f"{self._scope.imported('Annotated')}[", tuple(parts), "]")


def _separated(blocks: list[list[str]]) -> Iterator[str]:
    for at, block in enumerate(blocks):
        yield from ([""] if at else []) + block
