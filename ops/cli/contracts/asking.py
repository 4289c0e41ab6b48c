"""What was pushed: questions to the registry that change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ops.cli.failing import Trouble, tell

if TYPE_CHECKING:
    from bus import Settings
    from bus.avro.schema import AvroSchema


async def versions_of(settings: Settings, names: Sequence[str]) -> dict[str, list[AvroSchema]]:
    """The pushed versions by contract, the oldest first.

    Raises:
        Trouble: What is there under a name is no contract.
    """
    from bus import ContractError, UndeclaredTopicError
    from ops.contracts.opening import registry_of

    async with registry_of(settings, reading=True) as codec:
        try:
            return {name: list(await codec.registry.versions(name)) for name in names}
        except UndeclaredTopicError:  # nobody pushed yet
            return {name: [] for name in names}
        except ContractError as error:
            raise Trouble(str(error)) from error


async def all_versions(settings: Settings) -> dict[str, list[AvroSchema]]:
    """The same of all that was pushed; what is no contract of ours is left out, with a note."""
    from bus import ContractError, UndeclaredTopicError
    from ops.contracts.files import path_of
    from ops.contracts.opening import registry_of

    found: dict[str, list[AvroSchema]] = {}
    async with registry_of(settings, reading=True) as codec:
        try:
            names = [name for name in await codec.registry.names() if not name.startswith("tierbus.")]
        except UndeclaredTopicError:
            names = []
        for name in names:
            try:
                path_of(name, Path())
                versions = list(await codec.registry.versions(name))
            except ContractError as error:
                tell(f"left out: {error}")
                continue
            if versions:  # else it was deleted meanwhile
                found[name] = versions
    return found
