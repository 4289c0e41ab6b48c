"""What reads one value of the binary encoding: given the bytes and where it begins, it returns it and where it ends.

Nothing is read beyond the end, whatever a length or a count says, and each item of a block takes a byte or more: so
no value costs more than its bytes allow.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bus.avro.resolving.failures import FAILURES

Read = Callable[[bytes, int], tuple[Any, int]]

_ONE_BYTE_MAX = 64
"""So many numbers, counted from 0, are written as one byte."""


def read_null(raw: bytes, at: int) -> tuple[None, int]:
    """Takes no bytes."""
    return None, at


def read_boolean(raw: bytes, at: int) -> tuple[bool, int]:
    """One byte. Others take 2 for true, or for false; here it is refused."""
    byte = raw[at]
    if byte > 1:
        raise ValueError(f"a boolean is the byte {byte}; expected 0 or 1")
    return byte == 1, at + 1


def _integer(bits: int) -> Callable[[bytes, int], tuple[int, int]]:
    shifts = tuple(range(7, bits, 7))

    def read(raw: bytes, at: int) -> tuple[int, int]:
        number = raw[at]
        at += 1
        if number > 127:
            for shift in shifts:
                byte = raw[at]
                at += 1
                number += byte - 1 << shift  # less 1: the bit of the byte before, which says that this one follows
                if byte < 128:
                    break
            else:
                raise ValueError(f"a number of {bits} bits has more than {len(shifts) + 1} bytes")
            if number >> bits:
                raise ValueError(f"a number does not fit {bits} bits")
        return (number >> 1) ^ -(number & 1), at

    return read


def _floating(form: str) -> Read:
    unpack, size = struct.Struct(form).unpack_from, struct.calcsize(form)
    return lambda raw, at: (unpack(raw, at)[0], at + size)


read_int = _integer(32)
read_long = _integer(64)
read_float = _floating("<f")
read_double = _floating("<d")


def bounds(raw: bytes, at: int) -> tuple[int, int]:
    """Where what follows its length begins and ends."""
    size = raw[at]
    if size & 129:  # of more than one byte, or negative
        size, at = read_long(raw, at)
    else:
        size >>= 1
        at += 1
    if not 0 <= size <= len(raw) - at:
        raise ValueError(f"a length is {size}, with {len(raw) - at} bytes left")
    return at, at + size


def read_bytes(raw: bytes, at: int) -> tuple[bytes, int]:
    """A length and so many bytes."""
    at, end = bounds(raw, at)
    return raw[at:end], end


def read_text(raw: bytes, at: int) -> tuple[str, int]:
    """A length and so many bytes of UTF-8."""
    size = raw[at]
    at += 1
    end = at + (size >> 1)
    if size & 129 or end > len(raw):  # most texts are short and whole, and spared a call
        at, end = bounds(raw, at - 1)
    return raw[at:end].decode(), end


def read_text_as_bytes(raw: bytes, at: int) -> tuple[bytes, int]:
    """What the writer has as text is still held to UTF-8."""
    text, at = read_text(raw, at)
    return text.encode(), at


def fixed(size: int) -> Read:
    """So many bytes."""

    def read(raw: bytes, at: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(raw):
            raise IndexError
        return raw[at:end], end

    return read


def converted(read: Read, convert: Callable[[Any], Any]) -> Read:
    """The value made another."""

    def read_converted(raw: bytes, at: int) -> tuple[Any, int]:
        value, at = read(raw, at)
        return convert(value), at

    return read_converted


def symbol(resolved: Sequence[str]) -> Read:
    """The symbol that each of the writer's is read as."""
    by_byte = {2 * at: each for at, each in enumerate(resolved[:_ONE_BYTE_MAX])}

    def read(raw: bytes, at: int) -> tuple[str, int]:
        found = by_byte.get(raw[at])
        if found is not None:
            return found, at + 1
        number, at = read_int(raw, at)
        if not 0 <= number < len(resolved):
            raise ValueError(f"symbol {number} of an enum that has {len(resolved)}")
        return resolved[number], at

    return read


def union(branches: Sequence[Read]) -> Read:
    """The value of the branch that its number says."""
    by_byte = {2 * at: each for at, each in enumerate(branches[:_ONE_BYTE_MAX])}

    def read(raw: bytes, at: int) -> tuple[Any, int]:
        branch = by_byte.get(raw[at])
        if branch is not None:
            return branch(raw, at + 1)
        number, at = branch_number(raw, at, len(branches))
        return branches[number](raw, at)

    return read


def branch_number(raw: bytes, at: int, count: int) -> tuple[int, int]:
    """Which branch of a union follows."""
    number, at = read_int(raw, at)
    if not 0 <= number < count:
        raise ValueError(f"branch {number} of a union that has {count}")
    return number, at


def block(raw: bytes, at: int, item_bytes_min: int) -> tuple[int, int, int | None]:
    """How many items follow, where they begin, and where they end if the block says so; no items end the value."""
    count = raw[at]
    if count & 129:  # of more than one byte, or negative
        count, at = read_long(raw, at)
    else:
        count >>= 1
        at += 1
    end = None
    if count < 0:
        count = -count
        at, end = bounds(raw, at)
    room = (len(raw) if end is None else end) - at
    if count * item_bytes_min > room:
        raise ValueError(f"a block says that it has {count} items, with {room} bytes left")
    return count, at, end


def array(item: Read, item_bytes_min: int) -> Read:
    """A list; `item_bytes_min` is at least 1."""

    def read(raw: bytes, at: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        while True:
            count, at, end = block(raw, at, item_bytes_min)
            if count == 0:
                return items, at
            try:
                for _ in range(count):
                    value, at = item(raw, at)
                    items.append(value)
            except FAILURES as error:
                error.add_note("[]")
                raise
            _expect_end(at, end)

    return read


def mapping(value: Read, value_bytes_min: int) -> Read:
    """A dict; of two values with one key the later stays."""

    def read(raw: bytes, at: int) -> tuple[dict[str, Any], int]:
        items: dict[str, Any] = {}
        while True:
            count, at, end = block(raw, at, 1 + value_bytes_min)
            if count == 0:
                return items, at
            try:
                for _ in range(count):
                    key, at = read_text(raw, at)
                    items[key], at = value(raw, at)
            except FAILURES as error:
                error.add_note("{}")
                raise
            _expect_end(at, end)

    return read


def _expect_end(at: int, end: int | None) -> None:
    if end is not None and at != end:
        raise ValueError(f"a block says that it ends at byte {end} and ends at {at}")


def record(
    template: Mapping[str, Any],
    fresh: Sequence[tuple[str, Callable[[], Any]]],
    fields: Sequence[tuple[str, Read]],
    rest: Callable[[bytes, int], int] | None,
) -> Read:
    """A dict.

    Args:
        template: Every field in the reader's order; those that the writer has not with their default.
        fresh: Defaults that may not be shared, with what makes them.
        fields: Fields in the writer's order.
        rest: Skips what the writer has after them.
    """
    copy = dict(template).copy

    def read(raw: bytes, at: int) -> tuple[dict[str, Any], int]:
        data = copy()  # the dict has its order and its size from the start
        try:
            for name, value in fields:
                data[name], at = value(raw, at)
        except FAILURES as error:
            error.add_note(f".{name}")
            raise
        for name, make in fresh:
            data[name] = make()
        return data, at if rest is None else rest(raw, at)

    return read
