"""An encoder compiled once a schema for the common shapes, that hands everything unusual to fastavro."""

from bus.avro.compiled.encoder import compiled_encoder
from bus.avro.compiled.names import Unusual

__all__ = ["Unusual", "compiled_encoder"]
