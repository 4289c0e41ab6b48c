"""Kafka through aiokafka: the only package that imports it."""

from bus.transport.kafka.transport import KafkaTransport

__all__ = ["KafkaTransport"]
