"""A registry that speaks the Confluent API: Confluent's own, Apicurio, Karapace, Redpanda."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from bus.avro.contract import Contract
from bus.avro.framing import Reference, described
from bus.avro.plain import PLAIN
from bus.avro.registry.base import Registered
from bus.avro.registry.flights import Flights
from bus.avro.registry.http import Answer, RegistryHttp, as_list
from bus.avro.registry.references import inlined
from bus.avro.registry.rules import refuse_incompatible
from bus.avro.schema import AvroSchema
from bus.errors import BusConnectionError, ContractError
from bus.settings import Settings

log = logging.getLogger("tierbus.registry")

_SCHEMAS_MAX = 10_000
_REFERENCES_MAX = 64
_AT_ONCE = 8
K = TypeVar("K")


class ConfluentRegistry:
    """A contract's name is its subject.

    Its versions cannot follow the topic's name, as Confluent's clients have it by default: many topics with many
    contracts share one Kafka topic. Readers do not mind, they go by the id.
    """

    def __init__(self, settings: Settings) -> None:
        """Connects when it is first asked.

        Raises:
            SettingsError: The HTTP client is not installed, or the certificate file cannot be read.
        """
        self._http = RegistryHttp(settings)
        self._schemas: dict[Reference, AvroSchema] = {}
        self._versions: dict[tuple[str, int], AvroSchema] = {}
        self._finding: Flights[AvroSchema | None] = Flights()

    def known(self, reference: Reference) -> AvroSchema | None:
        """The schema of an id or GUID, when this process has met it."""
        return self._schemas.get(reference)

    async def register(self, contract: Contract) -> Registered:
        """As the protocol says; the rule of change is ours, and the registry is told of its name.

        Nothing can be done about two who register versions at once that may not both be there, but that the one who
        came later is told so and writes nothing.
        """
        subject = _subject(contract.name)
        versions = await self.versions(contract.name)
        new = not _has(versions, contract)
        if new:
            refuse_incompatible(contract, versions)
            if contract.schema.sha256 not in PLAIN:
                await self._tell_rule(contract, subject)
        answer = await self._http.ask("POST", f"/subjects/{subject}/versions", _document(contract))
        if answer.status in (409, 422):
            raise ContractError(f"contract {contract.name} is refused by the schema registry: {answer.message}")
        registered = self._registered(contract, _fields(answer, f"registering {contract.name}"))
        if new:
            before = await self.versions(contract.name)
            shas = [version.sha256 for version in before]
            at = shas.index(contract.schema.sha256) if contract.schema.sha256 in shas else len(shas)
            refuse_incompatible(contract, before[:at])
        return registered

    async def _tell_rule(self, contract: Contract, subject: str) -> None:
        rule = await self._http.ask("PUT", f"/config/{subject}", {"compatibility": contract.compatibility.value})
        if rule.status >= 400:
            log.info("the registry did not take the rule of %s: %s", contract.name, rule.message)

    async def look_up(self, contract: Contract) -> Registered | None:
        """As the protocol says; a registry may tell apart what differs in documentation only, which we do not."""
        answer = await self._http.ask("POST", f"/subjects/{_subject(contract.name)}", _document(contract))
        if answer.status != 404:
            return self._registered(contract, _fields(answer, f"looking up {contract.name}"))
        for number in await self._numbers(contract.name):
            if (await self._version(contract.name, number)).sha256 == contract.schema.sha256:
                answer = await self._http.ask("GET", f"/subjects/{_subject(contract.name)}/versions/{number}")
                return self._registered(contract, _fields(answer, f"looking up {contract.name}"))
        return None

    def _registered(self, contract: Contract, fields: dict[str, Any]) -> Registered:
        number, guid = fields.get("id"), fields.get("guid")
        if type(number) is not int or not 0 <= number < 1 << 32:
            raise BusConnectionError(f"schema registry gives {contract.name} the id {number!r}; expected 32 bits")
        registered = Registered(number, _uuid(guid))
        for reference in (registered.id, registered.guid):
            if reference is not None:
                _remember(self._schemas, reference, contract.schema)
        return registered

    async def find(self, reference: Reference) -> AvroSchema | None:
        """As the protocol says; many who look for one at once ask once."""
        return self.known(reference) or await self._finding.answer(reference, lambda: self._find(reference))

    async def _find(self, reference: Reference) -> AvroSchema | None:
        by_guid = isinstance(reference, UUID)
        path = f"/schemas/{'guids' if by_guid else 'ids'}/{reference!s}"
        answer = await self._http.ask("GET", path, optional_page=by_guid)
        if answer.status == 404:
            if answer.body is None:
                raise ContractError("this schema registry knows no GUIDs")
            return None
        schema = await self._schema(
            _fields(answer, f"asking for {described(reference)}"), f"schema {described(reference)}"
        )
        _remember(self._schemas, reference, schema)
        return schema

    async def versions(self, name: str) -> Sequence[AvroSchema]:
        """As the protocol says; a version never changes, so each is asked for once."""
        numbers = await self._numbers(name)
        found: list[AvroSchema] = []
        for at in range(0, len(numbers), _AT_ONCE):
            try:
                async with asyncio.TaskGroup() as group:
                    asked = [group.create_task(self._version(name, number)) for number in numbers[at : at + _AT_ONCE]]
            except BaseExceptionGroup as errors:  # the first says it all
                raise errors.exceptions[0] from None
            found += [each.result() for each in asked]
        return found

    async def _numbers(self, name: str) -> list[int]:
        answer = await self._http.ask("GET", f"/subjects/{_subject(name)}/versions")
        if answer.status == 404:
            return []
        return sorted(number for number in as_list(answer) if type(number) is int)

    async def _version(self, name: str, number: int) -> AvroSchema:
        known = self._versions.get((name, number))
        if known is None:
            answer = await self._http.ask("GET", f"/subjects/{_subject(name)}/versions/{number}")
            if answer.status == 404:
                raise BusConnectionError(f"version {number} of {name} went away while it was asked for; try again")
            known = await self._schema(_fields(answer, f"asking for version {number} of {name}"), name)
            _remember(self._versions, (name, number), known)
        return known

    async def _schema(self, fields: dict[str, Any], name: str) -> AvroSchema:
        kind, text = fields.get("schemaType", "AVRO"), fields.get("schema")
        if kind != "AVRO" or not isinstance(text, str):
            raise ContractError(f"{name} in the schema registry is {kind}, not Avro")
        references = fields.get("references") or []
        if not references:
            schema = AvroSchema.from_json(text, name)
        else:
            definitions: dict[str, Any] = {}
            await self._define(references, definitions, name)
            schema = AvroSchema(inlined(_json(text, name), definitions), name)
        return PLAIN.get(schema.sha256, schema)

    async def _define(self, references: Any, definitions: dict[str, Any], name: str) -> None:
        """What a schema refers to in other subjects, with what these refer to, each once."""
        for each in references if isinstance(references, list) else [references]:
            try:
                defined, subject, version = str(each["name"]), str(each["subject"]), int(each["version"])
            except (TypeError, KeyError, ValueError) as error:
                raise ContractError(
                    f"{name} refers to others in words that are not the API's: {each!r:.100}"
                ) from error
            if defined in definitions:
                continue
            if len(definitions) >= _REFERENCES_MAX:
                raise ContractError(f"{name} refers to more than {_REFERENCES_MAX} other schemas; take some in")
            definitions[defined] = None
            answer = await self._http.ask("GET", f"/subjects/{_subject(subject)}/versions/{version}")
            if answer.status == 404:
                raise ContractError(f"{name} refers to version {version} of {subject}, which is not there")
            fields = _fields(answer, f"asking for {subject}")
            await self._define(fields.get("references") or [], definitions, name)
            definitions[defined] = _json(fields.get("schema"), name)

    async def names(self) -> Sequence[str]:
        """As the protocol says."""
        return sorted(str(name) for name in as_list(await self._http.ask("GET", "/subjects")))

    async def close(self) -> None:
        """Lets the connections go; what was learned stays."""
        await self._finding.close()
        await self._http.close()


def _has(versions: Sequence[AvroSchema], contract: Contract) -> bool:
    return any(version.sha256 == contract.schema.sha256 for version in versions)


def _subject(name: str) -> str:
    return quote(name, safe="")


def _document(contract: Contract) -> dict[str, str]:
    return {"schema": contract.schema.text, "schemaType": "AVRO"}


def _fields(answer: Answer, what: str) -> dict[str, Any]:
    if answer.status >= 400 or not isinstance(answer.body, dict):
        raise BusConnectionError(f"schema registry answers {answer.status} to {what}: {answer.message}")
    return answer.body


def _json(text: Any, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ContractError(f"{name} in the schema registry is no JSON: {error}") from error


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except (ValueError, TypeError, AttributeError):
        return None


def _remember(cache: dict[K, AvroSchema], key: K, schema: AvroSchema) -> None:
    if len(cache) >= _SCHEMAS_MAX:
        del cache[next(iter(cache))]
    cache[key] = schema
