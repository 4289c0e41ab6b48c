"""Kafka through aiokafka: the only package that imports it."""

import logging

from bus.transport.kafka.transport import KafkaTransport

# aiokafka logs every retry as an error, even the first look for a group's coordinator. What a user has to know, the
# `tierbus` loggers say; whoever wants aiokafka's as well sets its level before or after.
if logging.getLogger("aiokafka").level == logging.NOTSET:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

__all__ = ["KafkaTransport"]
