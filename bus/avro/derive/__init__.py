"""An Avro contract from a pydantic model or a dataclass, and their values as data for it."""

from bus.avro.derive.dump import dump
from bus.avro.derive.members import RenamedFrom
from bus.avro.derive.records import derive

__all__ = ["RenamedFrom", "derive", "dump"]
