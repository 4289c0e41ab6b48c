"""Contracts as files: `<folder>/<family>/<name>.avsc` is the contract `<family>.<name>`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from bus.avro.schema import AvroSchema
from bus.errors import ContractError


def load_contracts(folder: str | None, *, shipped: bool = True) -> dict[str, AvroSchema]:
    """The platform's contracts unless they are not wanted, and over them those of a project's own folder.

    Raises:
        ContractError: The folder is missing, or a file in it is no schema that is let in.
    """
    contracts = dict(_read(shipped_contracts())) if shipped else {}
    if folder is not None:
        own = Path(folder)
        if not own.is_dir():
            raise ContractError(f"contracts_dir {folder} is no folder; make it, or remove the setting")
        contracts.update(_read(own))
    return contracts


def shipped_contracts() -> Traversable:
    """Where the platform's own contracts are: in the wheel as data, in a checkout beside the package."""
    packaged = files("bus") / "_contracts"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "schemas"


def _read(folder: Traversable) -> Iterator[tuple[str, AvroSchema]]:
    for family in sorted(folder.iterdir(), key=lambda each: each.name):
        if family.is_dir():
            for file in sorted(family.iterdir(), key=lambda each: each.name):
                if file.name.endswith(".avsc"):
                    name = f"{family.name}.{file.name.removesuffix('.avsc')}"
                    yield name, AvroSchema.from_json(file.read_bytes(), name)
