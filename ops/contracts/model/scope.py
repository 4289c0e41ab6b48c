"""The names of a module whose imports give way to the names of a schema."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator

_IMPORTS = (
    {
        "builtins": ("bool", "bytes", "dict", "float", "int", "list", "str"),
        "dataclasses": ("dataclass", "field"),
        "datetime": ("UTC", "date", "datetime", "time"),
        "decimal": ("Decimal",),
        "enum": ("StrEnum",),
        "typing": ("Annotated", "Literal"),
        "uuid": ("UUID",),
    },
    {
        "bus.avro.derive": ("RenamedFrom",),
        "pydantic": ("AwareDatetime", "BaseModel", "ConfigDict", "Field"),
    },
)
"""All that a module may import, sorted as ruff does; a builtin only where the schema has its name."""

_IMPORTED = frozenset(name for block in _IMPORTS for names in block.values() for name in names)


class Scope:
    """Names of one module."""

    def __init__(self, taken: Iterable[str], avoided: Iterable[str] = ()) -> None:
        """Starts with names that are taken, and others that no new one may have."""
        self._taken = set(taken)
        self._avoided = _IMPORTED | set(avoided)
        self._imports: dict[str, str] = {}

    def free(self, wanted: str) -> str:
        """A name that is no keyword and is not taken, from now on taken."""
        return self._take(wanted, self._avoided)

    def imported(self, name: str) -> str:
        """What an import, or a builtin, is called in this module: as it is, unless the schema has such a name."""
        if name not in self._imports:
            self._imports[name] = self._take(name, frozenset())
        return self._imports[name]

    def import_lines(self) -> Iterator[str]:
        """The imports that were asked for."""
        for block in _IMPORTS:
            lines = [line for module, names in block.items() for line in self._lines(module, names)]
            yield from lines
            yield from [""] if lines else []

    def _take(self, wanted: str, avoided: frozenset[str]) -> str:
        name = wanted
        while keyword.iskeyword(name) or name in self._taken or name in avoided:
            name += "_"
        self._taken.add(name)
        return name

    def _lines(self, module: str, names: Iterable[str]) -> Iterator[str]:
        used = {name: self._imports[name] for name in names if name in self._imports}
        plain = [name for name, called in used.items() if called == name]
        if plain and module != "builtins":
            yield f"from {module} import {', '.join(plain)}"
        yield from (f"from {module} import {name} as {called}" for name, called in used.items() if called != name)
