"""Values of one schema read as another's, by functions that are made once for the two."""

from bus.avro.resolving.resolution import compiled_reader

__all__ = ["compiled_reader"]
