"""What the stand-in for a schema registry knows: subjects, versions, ids and GUIDs, in memory."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

LEVELS = ("NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE")
VERSION_MAX = 2**31 - 1

References = Sequence[Mapping[str, Any]]


class Refusal(Exception):
    """What a registry answers instead: an HTTP status, and Confluent's code and message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Stored:
    """A schema that was registered.

    Attributes:
        id: From 1; the same under every subject.
        guid: The same in every registry that has this schema.
        text: The schema, without insignificant white space.
        references: What it refers to, each with `name`, `subject` and `version`.
    """

    id: int
    guid: str
    text: str
    references: References


@dataclass(slots=True)
class Contents:
    """A registry's state. It checks that a schema is one, and no compatibility: let a fault answer 409."""

    stored: list[Stored] = field(default_factory=list)
    subjects: dict[str, list[Stored]] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    level: str = "BACKWARD"

    def register(self, subject: str, text: str, references: References = ()) -> tuple[Stored, int]:
        """The schema with its id, and its version under the subject; a known one keeps both.

        Raises:
            Refusal: It is no schema, or refers to what is not there.
        """
        schema = self._known(text, references)
        if schema is None:
            guid = _guid(text, references)
            schema = Stored(len(self.stored) + 1, guid, _compact(text), tuple(references))
            self.stored.append(schema)
        versions = self.subjects.setdefault(subject, [])
        if schema not in versions:
            versions.append(schema)
        return schema, versions.index(schema) + 1

    def look_up(self, subject: str, text: str, references: References = ()) -> tuple[Stored, int]:
        """The same, without registering.

        Raises:
            Refusal: The subject or the schema is unknown.
        """
        versions = self.versions(subject)
        schema = self._known(text, references)
        if schema is None or schema not in versions:
            raise Refusal(404, 40403, "Schema not found")
        return schema, versions.index(schema) + 1

    def by_id(self, number: int) -> Stored:
        """The schema of an id, under whatever subject.

        Raises:
            Refusal: There is none.
        """
        if not 1 <= number <= len(self.stored):
            raise Refusal(404, 40403, f"Schema {number} not found")
        return self.stored[number - 1]

    def by_guid(self, guid: str) -> Stored:
        """The schema of a GUID.

        Raises:
            Refusal: There is none.
        """
        for schema in self.stored:
            if schema.guid == guid:
                return schema
        raise Refusal(404, 40403, f"Schema {guid} not found")

    def versions(self, subject: str) -> list[Stored]:
        """A subject's schemas, version 1 first.

        Raises:
            Refusal: The subject is unknown.
        """
        try:
            return self.subjects[subject]
        except KeyError:
            raise Refusal(404, 40401, f"Subject '{subject}' not found.") from None

    def version(self, subject: str, which: str) -> tuple[Stored, int]:
        """A subject's schema by its version, or "latest".

        Raises:
            Refusal: The subject or the version is unknown, or it is no version.
        """
        if which in ("latest", "-1"):
            versions = self.versions(subject)
            return versions[-1], len(versions)
        if not (which.isdecimal() and 1 <= int(which) <= VERSION_MAX):
            raise Refusal(422, 42202, f"The specified version '{which}' is not a valid version id.")
        versions = self.versions(subject)
        if int(which) > len(versions):
            raise Refusal(404, 40402, f"Version {which} not found.")
        return versions[int(which) - 1], int(which)

    def subject_level(self, subject: str, *, default_to_global: bool) -> str:
        """The compatibility that is set for a subject.

        Raises:
            Refusal: None is set, and the global one is not wanted.
        """
        level = self.levels.get(subject, self.level if default_to_global else None)
        if level is None:
            raise Refusal(404, 40408, f"Subject '{subject}' does not have subject-level compatibility configured")
        return level

    def set_level(self, subject: str | None, level: str) -> None:
        """Sets a subject's compatibility, or the global one.

        Raises:
            Refusal: There is no such level.
        """
        if level not in LEVELS:
            raise Refusal(422, 42203, f"Invalid compatibility level. Valid values are {', '.join(LEVELS)}")
        if subject is None:
            self.level = level
        else:
            self.levels[subject] = level

    def _known(self, text: str, references: References) -> Stored | None:
        self._refuse_invalid(text, references)
        wanted = _guid(text, references)
        return next((schema for schema in self.stored if schema.guid == wanted), None)

    def _refuse_invalid(self, text: str, references: References) -> None:
        for reference in references:
            self.version(reference["subject"], str(reference["version"]))
        try:
            schema = json.loads(text)
            if not references:
                fastavro.parse_schema(schema)
        except (SchemaParseException, UnknownType, KeyError, TypeError, ValueError, AttributeError) as error:
            raise Refusal(422, 42201, f"Invalid schema {text[:200]}, details: {error}") from error


def _compact(text: str) -> str:
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def _guid(text: str, references: References) -> str:
    whole = json.dumps([json.loads(text), list(references)], sort_keys=True)
    return str(uuid.UUID(bytes=hashlib.md5(whole.encode(), usedforsecurity=False).digest()))
