"""Whether data written by one schema can be read by another, decided on plain JSON schemas."""

from bus.avro.compatibility.findings import Conflict, Finding, Verdict
from bus.avro.compatibility.modes import Mode, check
from bus.avro.compatibility.resolution import can_read

__all__ = ["Conflict", "Finding", "Mode", "Verdict", "can_read", "check"]
