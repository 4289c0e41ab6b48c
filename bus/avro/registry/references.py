"""A schema that refers to definitions kept elsewhere, made whole: each is written out where it is first used."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from bus.errors import ContractError

_DEPTH_MAX = 256


def inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """The whole schema.

    Args:
        schema: Plain JSON.
        definitions: Plain JSON of named types by their full names; they may refer to each other.

    Raises:
        ContractError: It nests without end.
    """
    return _Writer(definitions).written(schema, "", 0)


class _Writer:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._left = dict(definitions)

    def written(self, schema: Any, namespace: str, depth: int) -> Any:
        if depth > _DEPTH_MAX:
            raise ContractError("a schema with references nests too deep; flatten it")
        if isinstance(schema, str):
            full = schema if "." in schema or not namespace else f"{namespace}.{schema}"
            for name in (full, schema):
                if name in self._left:
                    definition = copy.deepcopy(self._left.pop(name))
                    if isinstance(definition, dict) and "." in name:
                        # Inside another namespace a name without its own would be taken for the other's.
                        definition.setdefault("namespace", name.rpartition(".")[0])
                    return self.written(definition, "", depth + 1)
            return schema
        if isinstance(schema, list):
            return [self.written(each, namespace, depth + 1) for each in schema]
        if not isinstance(schema, dict):
            return schema
        own = schema.get("name")
        inside = namespace
        if isinstance(own, str):
            inside = own.rpartition(".")[0] if "." in own else schema.get("namespace", namespace)
        out = dict(schema)
        for key in ("type", "items", "values"):
            if key in out:
                out[key] = self.written(out[key], inside, depth + 1)
        if isinstance(out.get("fields"), list):
            out["fields"] = [self.written(field, inside, depth + 1) for field in out["fields"]]
        return out
