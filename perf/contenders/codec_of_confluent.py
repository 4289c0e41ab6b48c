"""confluent-kafka's serializers for a schema registry, with the registry that it has in memory for tests."""

from __future__ import annotations

import json
from typing import Any

from perf.codec.coding import Coding, Schema


def codec(schema: Schema, model: type | None = None) -> Coding:
    """`AvroSerializer` and `AvroDeserializer` as they are documented; ids are looked up once and kept."""
    try:
        from confluent_kafka.schema_registry import SchemaRegistryClient
        from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
        from confluent_kafka.serialization import MessageField, SerializationContext
    except ImportError as error:
        raise ImportError(f'{error}; pip install "confluent-kafka[avro,schemaregistry]"') from error
    client = SchemaRegistryClient.new_client({"url": "mock://bench"})
    context = SerializationContext("bench", MessageField.VALUE)
    serialize: Any = AvroSerializer(client, json.dumps(schema))
    deserialize: Any = AvroDeserializer(client)
    return Coding(lambda data: serialize(data, context), lambda value: deserialize(value, context))
