"""What examples suggest to a reader beyond the schema."""

from __future__ import annotations

from collections.abc import Iterator

from bus.avro.admission import AVRO_NAME
from ops.contracts.infer.seen import Seen

_SYMBOL_SEEN_MIN = 5
"""How often each of an enum's symbols comes on average, at the least."""

_LOOKS = {
    "uuid": "looks like a UUID; publish UUIDs and use the logical type uuid",
    "timestamp": "looks like ISO 8601 text; publish datetimes and use timestamp-micros",
    "date": "looks like dates as text; publish dates and use the logical type date",
    "number": "looks like numbers as text; publish numbers, or decimals if it is money",
}


def hints(seen: Seen) -> Iterator[str]:
    """Sentences on one place, each beginning with the path."""
    if not seen.kinds:
        yield f"{seen.path}: no value was seen, so string is a guess"
    if seen.kinds == {"string"}:
        looks = [look for look in _LOOKS if look in seen.looks]
        if looks:
            yield f"{seen.path}: {_LOOKS[looks[0]]}"
        elif _are_symbols(texts := seen.texts or set(), seen.count):
            named = ", ".join(sorted(texts))
            yield f"{seen.path}: {len(texts)} distinct texts in {seen.count} values ({named}); an enum?"
    if "double" in seen.kinds and seen.short:
        yield f"{seen.path}: double; decimal if it is money"
    if {"double", "long"} <= seen.kinds and not seen.exact:
        yield f"{seen.path}: some ints are too large for a double, so long and double share a union"
    elif len(seen.kinds - ({"long"} if "double" in seen.kinds else set())) > 1:
        yield f"{seen.path}: mixes {', '.join(sorted(seen.kinds))}; a union, which is awkward to handle"
    if "local" in seen.kinds:
        yield f"{seen.path}: datetimes without a time zone; give them one and use timestamp-micros"


def _are_symbols(texts: set[str], count: int) -> bool:
    return len(texts) > 1 and count >= _SYMBOL_SEEN_MIN * len(texts) and all(map(AVRO_NAME.match, texts))
