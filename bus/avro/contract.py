"""A contract: a schema under a name, as one client writes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bus.avro.compatibility import Mode
from bus.avro.derive import derive
from bus.avro.schema import AvroSchema
from bus.errors import ContractError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*")
_NAME_CHARACTERS_MAX = 249


class Contract:
    """A named schema with its rule of change.

    Attributes:
        name: Such as `trading.order`; in a registry its versions are kept under it.
        schema: The schema, admitted.
        compatibility: Which of its versions must read which others' data.
        encode: Data to a framed value; raises `EncodeError`. Of use to readers once it is registered.
        headers: Record headers that belong to its values.
        registered: Whether a registry is known to hold it.
    """

    __slots__ = ("compatibility", "encode", "headers", "name", "registered", "schema")

    def __init__(self, name: str, schema: AvroSchema, compatibility: Mode = Mode.BACKWARD_TRANSITIVE) -> None:
        """Not registered anywhere yet.

        Raises:
            ContractError: The name is not valid.
        """
        if not _NAME.fullmatch(name) or len(name) > _NAME_CHARACTERS_MAX:
            raise ContractError(
                f"contract name {name[:60]!r} is not valid; use letters, digits, _ and -, with dots between"
            )
        self.name = name
        self.schema = schema
        self.compatibility = compatibility
        self.registered = False
        self.headers: tuple[tuple[str, bytes], ...] = ()
        self.encode: Callable[[Any], bytes] = schema.encode

    @property
    def avsc(self) -> dict[str, Any]:
        """The schema as JSON, as an .avsc file has it."""
        document: dict[str, Any] = self.schema.json
        return document

    def write_as(self, frame: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        """A registry holds it; from now on values are framed so."""
        self.encode = self.schema.encoder(frame)
        self.headers = headers
        self.registered = True

    def forget_registration(self) -> None:
        """The registry is another one now, or may be: before the next value it is asked again."""
        self.registered = False

    def __repr__(self) -> str:
        """Its name, its identity and its rule."""
        return f"<Contract {self.name} {self.schema.sha256[:12]} {self.compatibility}>"


def contract(
    model: type,
    *,
    name: str | None = None,
    namespace: str | None = None,
    compatibility: Mode | str = Mode.BACKWARD_TRANSITIVE,
) -> Contract:
    """The contract of a pydantic model or a dataclass; see `bus.avro.derive.derive` for what becomes of what.

    Args:
        model: The class.
        name: The contract's name; the record's name in full unless given.
        namespace: The record's namespace, such as `shop.carts`.
        compatibility: Which of its versions must read which others' data.

    Raises:
        ContractError: A field has a type that no contract can have; names the field and what to use.
    """
    schema = derive(model, namespace=namespace)
    full = f"{namespace}.{model.__name__}" if namespace else model.__name__
    return Contract(name or full, AvroSchema(schema, name or full), Mode.parse(compatibility))
