"""What passes over the fields that the writer has and the reader has not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat

from bus.avro.compatibility.tree import Field, Node
from bus.avro.resolving.failures import FAILURES, reason
from bus.avro.resolving.sizes import Sizes
from bus.avro.resolving.values import block, bounds, branch_number, read_int, read_long

Skip = Callable[[bytes, int], int]
"""Given the bytes and where a value begins, returns where it ends, which is not beyond the bytes."""


class Skips:
    """What passes over values of one writer's schema; made once for a named type."""

    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._records: dict[str, Skip] = {}

    def fields(self, fields: Sequence[Field]) -> Skip:
        """Passes over neighbouring fields; what is wrong there names them."""
        skip = self._run([field.node for field in fields])
        told = ", ".join(field.name for field in fields)

        def skip_fields(raw: bytes, at: int) -> int:
            try:
                return skip(raw, at)
            except FAILURES as error:
                raise ValueError(f"{reason(error)}, in {told}, which only the writer has") from error

        return skip_fields

    def _run(self, nodes: Sequence[Node]) -> Skip:
        """Neighbours of a known size are passed over in one step."""
        steps: list[Skip] = []
        known = 0
        for node in nodes:
            size = self._sizes.of(node)
            if size.constant:
                known += size.least
                continue
            steps += [_ahead(known)] if known else []
            steps.append(self._one(node))
            known = 0
        steps += [_ahead(known)] if known else []
        return steps[0] if len(steps) == 1 else _each(steps)

    def _one(self, node: Node) -> Skip:
        match node.kind:
            case "record":
                if node.name not in self._records:
                    self._records[node.name] = self._run([field.node for field in node.fields])
                return self._records[node.name]
            case "union":
                return _branch([self._run([branch]) for branch in node.inner])
            case "array":
                item, size = node.inner[0], self._sizes.of(node.inner[0])
                return _blocks(self._run([item]), size.least, size.least if size.constant else None)
            case "map":
                value = node.inner[0]
                return _blocks(_each([_skip_sized, self._run([value])]), 1 + self._sizes.of(value).least, None)
            case "string" | "bytes":
                return _skip_sized
        return _skip_long if node.kind == "long" else _skip_int


def _ahead(size: int) -> Skip:
    def skip(raw: bytes, at: int) -> int:
        if at + size > len(raw):
            raise IndexError
        return at + size

    return skip


def _each(steps: Sequence[Skip]) -> Skip:
    def skip(raw: bytes, at: int) -> int:
        for step in steps:
            at = step(raw, at)
        return at

    return skip


def _skip_int(raw: bytes, at: int) -> int:
    return at + 1 if raw[at] < 128 else read_int(raw, at)[1]


def _skip_long(raw: bytes, at: int) -> int:
    return at + 1 if raw[at] < 128 else read_long(raw, at)[1]


def _skip_sized(raw: bytes, at: int) -> int:
    return bounds(raw, at)[1]


def _branch(branches: Sequence[Skip]) -> Skip:
    def skip(raw: bytes, at: int) -> int:
        number, at = branch_number(raw, at, len(branches))
        return branches[number](raw, at)

    return skip


def _blocks(item: Skip, item_bytes_min: int, item_bytes: int | None) -> Skip:
    """A block that says where it ends is not looked into."""

    def skip(raw: bytes, at: int) -> int:
        while True:
            count, at, end = block(raw, at, item_bytes_min)
            if count == 0:
                return at
            if end is not None:
                at = end
            elif item_bytes is not None:
                at += count * item_bytes  # as many bytes are there: it is what `block` looked at
            else:
                for _ in repeat(None, count):
                    at = item(raw, at)

    return skip
