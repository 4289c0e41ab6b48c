"""What of fastavro is called for each value, by the quickest way that this build of it has.

`schemaless_writer` and `schemaless_reader` look the schema over again for each value, which takes a tenth of a value's
time. What they call then is not public: it is tried once, and the public functions serve where it is another.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import fastavro

_WRITING = {"strict": False, "strict_allow_default": False, "disable_tuple_notation": False}
_READING = {
    "return_record_name": False,
    "return_record_name_override": False,
    "handle_unicode_errors": "strict",
    "return_named_type": False,
    "return_named_type_override": False,
}
_write_data: Any = getattr(getattr(fastavro, "_write", None), "write_data", None)
_read_data: Any = getattr(getattr(fastavro, "_read", None), "_read_data", None)


def _write_by_part(out: bytearray, data: Any, parsed: Any, named: Any) -> None:
    _write_data(out, data, parsed, named, "", _WRITING)


def _write_by_whole(out: bytearray, data: Any, parsed: Any, named: Any) -> None:
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, parsed, data)
    out += buffer.getvalue()


def _read_by_part(source: BytesIO, parsed: Any, named: Any) -> Any:
    return _read_data(source, parsed, {"writer": named, "reader": {}}, None, _READING)


def _read_by_whole(source: BytesIO, parsed: Any, named: Any) -> Any:
    return fastavro.schemaless_reader(source, parsed, None)


def _chosen() -> tuple[Any, Any]:
    """The parts where they do as the whole does, tried on a value."""
    named: dict[str, Any] = {}
    fields = [{"name": "a", "type": ["null", "long"]}]
    parsed = fastavro.parse_schema({"type": "record", "name": "Tried", "fields": fields}, named)
    value, written = {"a": 7}, bytearray()
    try:
        _write_by_part(written, value, parsed, named)
        writes = written == b"\x02\x0e"
        reads = _read_by_part(BytesIO(b"\x02\x0e"), parsed, named) == value
    except Exception:
        return _write_by_whole, _read_by_whole
    return (_write_by_part if writes else _write_by_whole), (_read_by_part if reads else _read_by_whole)


write, read = _chosen()
"""`write(out, data, parsed, named)` appends a value; `read(source, parsed, named)` takes one from where it stands."""
