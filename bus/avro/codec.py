"""The contracts of one client, the registries that hold them, and data to framed bytes and back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bus.avro.compatibility import Mode
from bus.avro.contract import Contract
from bus.avro.contracts import load_contracts
from bus.avro.framing import Reference, described, guid_header, id_frame
from bus.avro.plain import Plain
from bus.avro.reader import Reader, UnknownSchema
from bus.avro.registry import KafkaRegistry, Registered, Registry, SchemaStore
from bus.avro.schema import AvroSchema
from bus.errors import BusConnectionError, ClosedError, ContractError, DecodeError, UndeclaredTopicError
from bus.settings import RouteRule, Settings

_READERS_MAX = 100_000
_ABSENT_MAX = 10_000
# A server may answer before it has heard from its own peers; after these waits a schema counts as missing.
_WAITS_S = (0.0, 0.2, 0.5)
# For so long it is not looked for again: a stream of such values must not become a stream of questions.
_ABSENT_S = 5.0


class Codec:
    """What publishers write by and readers read by.

    Attributes:
        contracts: By name: those of the folders, and those that were added.
        plain: The contracts of data without a contract.
        kept: The registry that Kafka keeps.
        served: The registry of `schema_registry_url`, if there is one.
    """

    def __init__(
        self,
        settings: Settings,
        rule_of: Callable[[str], RouteRule],
        open_store: Callable[[], Awaitable[SchemaStore]],
    ) -> None:
        """Loads the contracts and binds them.

        Args:
            settings: Where contracts and registries are, and how values are framed.
            rule_of: What the routes decide for a topic.
            open_store: Opens the table of schemas in Kafka.

        Raises:
            ContractError: A contract is not admitted, a route names one that is unknown, or two routes bind one with
                different rules of change.
            SettingsError: The schema registry cannot be used as it is set.
        """
        self._settings = settings
        self._rule_of = rule_of
        loaded = load_contracts(settings.contracts_dir)
        self.contracts = {name: Contract(name, schema) for name, schema in loaded.items()}
        self._bind(settings.routes)
        self.plain = Plain()
        self.kept = KafkaRegistry(open_store)
        self.served: Registry | None = None
        if settings.schema_registry_url is not None:
            from bus.avro.registry.confluent import ConfluentRegistry

            self.served = ConfluentRegistry(settings)
        self._forget_registrations()
        self._readers: dict[str, Reader] = {}
        self._by_contract: dict[str | None, Reader] = {}
        self._registering: dict[str, asyncio.Lock] = {}
        self._closed = False
        self._absent: dict[Reference, tuple[float, str]] = {}

    def _bind(self, routes: Sequence[RouteRule]) -> None:
        bound: dict[str, RouteRule] = {}
        for rule in routes:
            if rule.contract is not None:
                other = bound.setdefault(rule.contract, rule)
                if other.compatibility != rule.compatibility:
                    raise ContractError(
                        f"routes {other.pattern} and {rule.pattern} bind contract {rule.contract} with compatibility "
                        f"{other.compatibility} and {rule.compatibility}; give both the same"
                    )
                self.contract(rule.contract).compatibility = Mode(rule.compatibility)

    @property
    def registry(self) -> Registry:
        """The registry of what is written."""
        if self._settings.written_format == "single_object" or self.served is None:
            return self.kept
        return self.served

    def contract(self, name: str) -> Contract:
        """The contract of that name.

        Raises:
            ContractError: There is none; lists those that are.
        """
        try:
            return self.contracts[name]
        except KeyError:
            raise ContractError(
                f"contract {name} is unknown; known are {', '.join(sorted(self.contracts))}; set contracts_dir to a "
                "folder that holds it as <family>/<name>.avsc"
            ) from None

    def contract_of(self, topic: str) -> Contract | None:
        """The contract that the routes bind a topic to."""
        name = self._rule_of(topic).contract
        return None if name is None else self.contract(name)

    def add(self, contract: Contract) -> None:
        """Takes a contract in under its name; what was read by another of that name is read by this one from now on."""
        self.contracts[contract.name] = contract
        self._readers.clear()
        self._by_contract.clear()

    async def register(self, contract: Contract) -> None:
        """Makes a contract's values readable for everyone; in production it must have been registered before.

        Raises:
            ContractError: It may not be used: not registered in production, or breaking its rule of change.
            BusConnectionError: The registry did not answer in time.
        """
        async with self._registering.setdefault(contract.name, asyncio.Lock()):
            if self._closed:
                raise ClosedError("the bus is closed; connect it again before publishing")
            if not contract.registered:
                self._written(contract, await self._registered(contract))

    async def _registered(self, contract: Contract) -> Registered:
        if self._settings.environment != "production":
            return await self.registry.register(contract)
        found = await self.registry.look_up(contract)
        if found is None:
            raise ContractError(
                f"contract {contract.name} is not registered as it is here ({contract.schema.sha256[:12]}); production "
                f"registers none by itself: {_how_to_push(contract)}"
            )
        return found

    def _written(self, contract: Contract, registered: Registered) -> None:
        match self._settings.written_format:
            case "confluent" if registered.id is not None:
                contract.write_as(id_frame(registered.id))
            case "confluent_guid":
                if registered.guid is None:
                    raise ContractError("this schema registry gives no GUIDs; set wire_format to confluent")
                contract.write_as(b"", (guid_header(registered.guid),))
            case _:
                contract.write_as(contract.schema.frame)

    def decode(self, topic: str, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> Any:
        """The data of a topic's value, as the topic's contract has it.

        Raises:
            UnknownSchema: `await learn(...)` and try again.
            DecodeError: It cannot be read.
        """
        reader = self._readers.get(topic)
        if reader is None:
            reader = self._reader(topic)
        return reader.decode(value, headers)

    def _reader(self, topic: str) -> Reader:
        contract = self.contract_of(topic) if self._settings.read_as_contract else None
        name = None if contract is None else contract.name
        reader = self._by_contract.get(name)
        if reader is None:
            schema = None if contract is None else contract.schema
            reader = self._by_contract[name] = Reader(name or "", schema, self._known)
        if len(self._readers) >= _READERS_MAX:
            self._readers.clear()
        self._readers[topic] = reader
        return reader

    def _known(self, reference: Reference) -> AvroSchema | None:
        registry = self._registry_for(reference)
        return None if registry is None else registry.known(reference)

    def _registry_for(self, reference: Reference) -> Registry | None:
        return self.kept if isinstance(reference, bytes) else self.served

    async def learn(self, unknown: UnknownSchema, value: bytes) -> None:
        """Looks the schema of a value up.

        Raises:
            DecodeError: Nobody registered it, or it is not admitted.
            BusConnectionError: The registry did not answer in time.
            ClosedError: The bus was closed meanwhile.
        """
        reference = unknown.reference
        registry = self._registry_for(reference)
        if self._closed:
            raise ClosedError("the bus is closed; what was not decoded comes again")
        if registry is None:
            raise DecodeError(f"schema {described(reference)} is in a schema registry; set schema_registry_url", value)
        now = asyncio.get_running_loop().time
        until_s, reason = self._absent.get(reference, (0.0, ""))
        if now() < until_s:
            raise DecodeError(reason, value)
        reason = f"schema {described(reference)} is in no registry; register it and read again"
        try:
            for wait_s in _WAITS_S if registry is self.served else (0.0,):
                await asyncio.sleep(wait_s)
                if await registry.find(reference) is not None:
                    return
        except (BusConnectionError, ClosedError):
            raise
        except (ContractError, UndeclaredTopicError) as error:
            reason = f"schema {described(reference)} is not let in: {error}"
        except Exception as error:  # whatever a registry answers, the message must not come for ever
            reason = f"schema {described(reference)} is not let in: {type(error).__name__}: {error}"
        if len(self._absent) >= _ABSENT_MAX:
            self._absent.clear()
        self._absent[reference] = now() + _ABSENT_S, reason
        raise DecodeError(reason, value)

    def renew(self) -> None:
        """Kafka's connections are new: its table is opened anew when it is next needed."""
        self._closed = False
        self.kept.forget_store()
        self._forget_registrations()

    def _forget_registrations(self) -> None:
        """What was registered may be gone with the cluster or registry; else, to register again changes nothing."""
        for contract in (*self.contracts.values(), *self.plain.all()):
            contract.forget_registration()
        if self.registry is self.kept:
            for plain in self.plain.all():  # every reader of ours knows them
                plain.write_as(plain.schema.frame)

    async def close(self) -> None:
        """Lets the connections to a schema registry go; nothing is looked up from now on, until `renew`."""
        self._closed = True
        if self.served is not None:
            await self.served.close()


def _how_to_push(contract: Contract) -> str:
    """What to run, for a contract of a file and for one of a class; a class has to be told the same namespace."""
    command = f"run `tierbus contracts push {contract.name}`"
    schema = contract.schema.json
    if not isinstance(schema, dict):
        return command
    namespace = f" --record-namespace {schema['namespace']}" if "namespace" in schema else ""
    return f"{command}, or for a class `tierbus contracts push module:{schema.get('name')}={contract.name}{namespace}`"
