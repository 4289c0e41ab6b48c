"""The lines for types with no others inside: the plain Python types and no subclass, in their ranges."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bus.avro.compiled.lines import Lines, Part, Unsupported
from bus.avro.compiled.names import Unusual
from bus.avro.leaves import EPOCH_DAY, digits_of, exact, logical_of

_DAY_MAX = 2_932_896
"""The last day of the year 9999; the first of the year 1 is less far from the epoch."""
_SECONDS_OF_DAY = 86_400
_TIMESTAMPS = {
    "micros": ("(gone.days * 86400 + gone.seconds) * 1000000 + gone.microseconds", 1 << 56),
    "millis": ("(gone.days * 86400 + gone.seconds) * 1000 + gone.microseconds // 1000", 1 << 46),
}
"""How a time since the epoch is counted, and below which limit, doubled, every number is one of the years 1 to 9999."""
_TIMES = {"micros": ("* 1000000 + {0}.microsecond", 1_000_000), "millis": ("* 1000 + {0}.microsecond // 1000", 1_000)}


def leaf_lines(out: Lines, schema: Any, value: str, indent: int) -> list[Part]:
    """Writes what checks the value in a variable, and gives its pieces.

    Raises:
        Unsupported: The type is left to fastavro.
    """
    kind, logical = (schema, None) if isinstance(schema, str) else (schema["type"], logical_of(schema))
    match logical:
        case None if isinstance(schema, str) or "logicalType" not in schema:
            return _primitive(out, kind, value, indent)
        case "date":
            return _date(out, value, indent)
        case "time-millis" | "time-micros":
            return _time(out, logical[5:], value, indent)
        case "decimal":
            return _decimal(out, schema, value, indent)
        case "uuid":
            return _uuid(out, value, indent)
        case str():
            return _timestamp(out, logical, value, indent)
    raise Unsupported


def _primitive(out: Lines, kind: str, value: str, indent: int) -> list[Part]:
    match kind:
        case "string" | "bytes":
            out.unless(f"type({value}) is not {'str' if kind == 'string' else kind}", indent)
            if kind == "string":
                out.line(indent, f"{value} = {value}.encode()")
            return [("", f"LENGTH[len({value})]"), ("", value)]
        case "float" | "double":
            exact = 1 << (24 if kind == "float" else 53)
            whole = f"(type({value}) is not int or not -{exact} <= {value} <= {exact})"
            out.unless(f"type({value}) is not float and {whole}", indent)
            return [(kind[0], value)]
        case "boolean":
            out.unless(f"type({value}) is not bool", indent)
            return [("?", value)]
        case "int":
            out.unless(f"type({value}) is not int or not {-(1 << 31)} <= {value} < {1 << 31}", indent)
            return _integer(out, value, indent, 1 << 42)
        case "long":
            out.unless(f"type({value}) is not int", indent)
            return _integer(out, value, indent, 1 << 56, f"{value} = large({value})")
        case "null":
            out.unless(f"{value} is not None", indent)
            return []
    raise Unsupported


def _integer(out: Lines, value: str, indent: int, limit: int, otherwise: str = "raise Unusual") -> list[Part]:
    """Fourteen bits a step from tables, below the limit."""
    out.line(indent, f"{value} = {value} + {value} if {value} >= 0 else -1 - {value} - {value}")
    before, bits = "", 0
    while True:
        bits += 14
        step = f"{'elif' if before else 'if'} {value} < {min(limit, 1 << bits)}"
        out.line(indent, f"{step}: {value} = {before}LAST[{value}{f' >> {bits - 14}' if before else ''}]")
        before += f"MORE[{value}{f' >> {bits - 14}' if before else ''} & 16383] + "
        if 1 << bits >= limit:
            break
    out.line(indent, f"else: {otherwise}")
    return [("", value)]


def _date(out: Lines, value: str, indent: int) -> list[Part]:
    out.line(indent, f"if type({value}) is date: {value} = {value}.toordinal() - {EPOCH_DAY}")
    out.line(indent, f"elif type({value}) is not int or not {1 - EPOCH_DAY} <= {value} <= {_DAY_MAX}: raise Unusual")
    return _integer(out, value, indent, 1 << 28)


def _time(out: Lines, unit: str, value: str, indent: int) -> list[Part]:
    fraction, units = _TIMES[unit]
    out.line(indent, f"if type({value}) is time:")
    out.unless(f"{value}.tzinfo is not None", indent + 1)
    seconds = f"(({value}.hour * 60 + {value}.minute) * 60 + {value}.second)"
    out.line(indent + 1, f"{value} = {seconds} {fraction.format(value)}")
    out.line(indent, f"elif type({value}) is not int or not 0 <= {value} < {_SECONDS_OF_DAY * units}: raise Unusual")
    return _integer(out, value, indent, 1 << 42)


def _timestamp(out: Lines, logical: str, value: str, indent: int) -> list[Part]:
    counted, limit = _TIMESTAMPS[logical[-6:]]
    out.line(indent, f"if type({value}) is datetime:")
    # A TypeError where there is no time zone, and for a local one where there is.
    out.line(indent + 1, f"gone = {value} - {'LOCAL_EPOCH' if logical.startswith('local') else 'EPOCH'}")
    out.line(indent + 1, f"{value} = {counted}")
    out.line(indent, f"elif type({value}) is not int: raise Unusual")
    return _integer(out, value, indent, limit)


def _uuid(out: Lines, value: str, indent: int) -> list[Part]:
    out.unless(f"type({value}) is not UUID", indent)
    out.line(indent, f"gone = '%032x' % {value}.int")
    parts = "-".join(f"{{gone[{start}:{end}]}}" for start, end in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
    out.line(indent, f"{value} = f'{parts}'.encode()")
    return [("", "LENGTH[36]"), ("", value)]


def _decimal(out: Lines, schema: Any, value: str, indent: int) -> list[Part]:
    digits = digits_of(schema)
    if digits is None:
        raise Unsupported
    precision, scale = digits
    quantum, context, size = *map(out.constant, exact(precision, scale)), schema.get("size")
    unscaled = f"int({value}.quantize({quantum}, None, {context}).scaleb({scale}, {context}))"
    out.unless(f"type({value}) is not Decimal", indent)
    zero = out.constant(_zero(precision, scale, signed=size is None))
    out.line(indent, f"{value} = {unscaled} if {value} else {zero}({value})")
    if size is not None:
        out.line(indent, f"{value} = {value}.to_bytes({int(size)}, 'big', signed=True)")
        return [("", value)]
    out.line(indent, f"{value} = {value}.to_bytes(({value}.bit_length() + 8) // 8, 'big', signed=True)")
    return [("", f"LENGTH[len({value})]"), ("", value)]


def _zero(precision: int, scale: int, *, signed: bool) -> Callable[[Decimal], int]:
    """A zero with as many places, which `quantize` would give any."""

    def zero(value: Decimal) -> int:
        sign, _, exponent = value.as_tuple()
        if not isinstance(exponent, int) or not 0 <= exponent + scale <= precision or (sign and not signed):
            raise Unusual
        return 0

    return zero
