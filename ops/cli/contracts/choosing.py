"""The contracts that a command line means: by name, by class, or all of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ops.cli.contracts.classes import contract_of_class, is_class
from ops.cli.failing import Trouble, WrongUse
from ops.cli.where import given

if TYPE_CHECKING:
    from bus import Settings
    from bus.avro.codec import Codec
    from bus.avro.compatibility import Mode
    from bus.avro.contract import Contract


def contracts_here(settings: Settings, folder: Path | None) -> Codec:
    """The contracts that are here, the project's own over the platform's; `folder` is what `--dir` gave.

    Raises:
        WrongUse: There is no such folder.
        Trouble: A file in it is no contract.
    """
    from ops.contracts.opening import contracts_of

    if settings.contracts_dir is not None:
        contracts_in(Path(settings.contracts_dir), "contracts_dir" if folder is None else "--dir")
    return contracts_of(settings)


def contracts_in(folder: Path, option: str) -> dict[str, Contract]:
    """The contracts of a folder by name; `option` says what gave it.

    Raises:
        WrongUse: There is no such folder.
        Trouble: A file in it is no contract.
    """
    from bus import ContractError
    from bus.avro.contract import Contract
    from bus.avro.contracts import load_contracts

    if not folder.is_dir():
        raise WrongUse(f"{option} {folder} is no folder; give one that holds <family>/<name>.avsc")
    try:
        return {name: Contract(name, each) for name, each in load_contracts(str(folder), shipped=False).items()}
    except ContractError as error:
        raise Trouble(f"{option} {folder}: {error}") from error


def chosen_of(
    settings: Settings, folder: Path | None, names: list[str] | None, rule: str | None, record_namespace: str | None
) -> list[Contract]:
    """The contracts that are meant, under the rule that is given for them.

    Raises:
        WrongUse: A name, a class or the rule is unknown.
        Trouble: A file or a class is no contract.
    """
    mode = None if rule is None else _mode(rule)
    if record_namespace is not None:
        record_namespace = given(record_namespace, "--record-namespace")
        if not any(is_class(name) for name in names or []):
            raise WrongUse("--record-namespace is for classes; give one as module:Model")
    contracts: dict[str, Contract] = {}
    for contract in _named(settings, folder, names, record_namespace) if names else _own(settings, folder):
        if contracts.setdefault(contract.name, contract).schema.sha256 != contract.schema.sha256:
            raise WrongUse(f"contract {contract.name} is given twice, and they differ; give one of them")
    if mode is not None:
        for contract in contracts.values():
            contract.compatibility = mode
    return list(contracts.values())


def _mode(rule: str) -> Mode:
    from bus import ContractError
    from bus.avro.compatibility import Mode

    try:
        return Mode.parse(rule.upper())
    except ContractError:
        raise WrongUse(f"--compatibility {rule} is unknown; take one of {', '.join(Mode)}") from None


def _own(settings: Settings, folder: Path | None) -> list[Contract]:
    """Those of the project's folder, or the platform's when it has none."""
    codec = contracts_here(settings, folder)
    if settings.contracts_dir is None:
        return [contract for _, contract in sorted(codec.contracts.items())]
    return [codec.contract(name) for name in sorted(contracts_in(Path(settings.contracts_dir), "contracts_dir"))]


def _named(
    settings: Settings, folder: Path | None, names: list[str], record_namespace: str | None
) -> Iterator[Contract]:
    from bus import ContractError
    from bus.avro.plain import Plain

    plain = {contract.name: contract for contract in Plain().all()}
    codec: Codec | None = None
    for name in names:
        if is_class(name):
            yield contract_of_class(name, record_namespace)
        elif name in plain:
            yield plain[name]
        else:
            codec = codec or contracts_here(settings, folder)
            try:
                yield codec.contract(name)
            except ContractError as error:
                raise WrongUse(f"{error}, or give a class as module:Model") from None
