"""From a taken record to a message: decodes, and waits for a schema that this process has not met yet."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Any

from bus.avro.codec import Codec
from bus.avro.reader import UnknownSchema
from bus.consume.intake import Taken
from bus.errors import BusConnectionError, DecodeError
from bus.message import Message

log = logging.getLogger("tierbus.consume")

_RETRY_S = 0.5
_TOLD_EVERY = 20


def opened(codec: Codec, taken: Taken) -> Message:
    """The message of a taken record; its `ack` settles the record.

    Raises:
        UnknownSchema: The value's schema is not known yet: `await learned(...)` and try again.
        DecodeError: It cannot be read; carries the raw bytes.
    """
    record = taken.record
    value = record.value
    try:
        data: Any = None if value is None else codec.decode(taken.topic, value, record.headers)
    except DecodeError as error:
        raise DecodeError(f"{place(taken)}: {error}", value) from error
    settled, offset = taken.state.settled, record.offset
    return Message(taken.topic, data, taken.tier, record, lambda: settled.done(offset))


async def learned(codec: Codec, taken: Taken, unknown: UnknownSchema) -> None:
    """Returns when the schema of the value is known; waits as long as the registry cannot be reached.

    Raises:
        DecodeError: Nobody registered the schema.
        ClosedError: The bus was closed meanwhile.
    """
    value = taken.record.value or b""
    for asked in itertools.count():
        try:
            await codec.learn(unknown, value)
        except BusConnectionError as error:
            if asked % _TOLD_EVERY == 0:
                log.warning("%s waits for its schema: %s", place(taken), error)
            await asyncio.sleep(_RETRY_S)
        except DecodeError as error:
            raise DecodeError(f"{place(taken)}: {error}", value) from error
        else:
            return


def place(taken: Taken) -> str:
    """Where a record is, for people: `topic@kafka topic/partition/offset`."""
    record = taken.record
    return f"{taken.topic}@{record.topic}/{record.partition}/{record.offset}"
