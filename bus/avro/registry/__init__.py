"""Where schemas are kept: in Kafka itself, or in a server that speaks the Confluent API."""

from bus.avro.registry.base import Registered, Registry
from bus.avro.registry.kafka import SCHEMAS_TABLE, KafkaRegistry, SchemaStore

__all__ = ["SCHEMAS_TABLE", "KafkaRegistry", "Registered", "Registry", "SchemaStore"]
