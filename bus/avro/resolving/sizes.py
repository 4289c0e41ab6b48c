"""How many bytes the values of a schema take."""

from __future__ import annotations

from dataclasses import dataclass

from bus.avro.admission import EMPTY_MAX
from bus.avro.compatibility.tree import Node
from bus.errors import ContractError


@dataclass(frozen=True, slots=True)
class Size:
    """What is known of a value without looking at it.

    Attributes:
        least: The bytes of the shortest value.
        constant: Whether all values have so many.
        values: How many values are in it, counted only where it takes no bytes.
    """

    least: int
    constant: bool
    values: int = 1


_SIZES = {"null": Size(0, True), "boolean": Size(1, True), "float": Size(4, True), "double": Size(8, True)}
_ONE_OR_MORE = Size(1, False)


class Sizes:
    """The sizes of one schema; a named type is looked at once, or a small schema could name 2^64 paths."""

    def __init__(self) -> None:
        self._records: dict[str, Size | None] = {}

    def of(self, node: Node) -> Size:
        """The size of a type's values.

        Raises:
            ContractError: What no bytes bound: a type that contains itself, an array whose items may take no bytes, a
                record that takes none and has too many values in it.
        """
        match node.kind:
            case "fixed":
                return Size(node.size, True)
            case "record":
                return self._record(node)
            case "union":
                return Size(1 + min((self.of(branch).least for branch in node.inner), default=0), False)
            case "array" | "map":
                items = self.of(node.inner[0])
                if items.least == 0 and node.kind == "array":
                    raise ContractError("schema has an array whose items take no bytes; give them a field")
        return _SIZES.get(node.kind, _ONE_OR_MORE)

    def _record(self, node: Node) -> Size:
        if node.name not in self._records:
            self._records[node.name] = None
            self._records[node.name] = self._sum(node)
        size = self._records[node.name]
        if size is None:
            raise ContractError(f"schema has {node.name}, which contains itself; use ids instead of nesting")
        return size

    def _sum(self, node: Node) -> Size:
        sizes = [self.of(field.node) for field in node.fields]
        least = sum(size.least for size in sizes)
        values = 1 if least else 1 + sum(size.values for size in sizes)
        if values > EMPTY_MAX:
            raise ContractError(
                f"schema has {node.name}, which takes no bytes and has {values} values in it; flatten it"
            )
        return Size(least, all(size.constant for size in sizes), values)
