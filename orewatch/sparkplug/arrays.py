"""Sparkplug arrays: tuples to little-endian bytes and back."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from orewatch.sparkplug.datatypes import DataType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orewatch.sparkplug.datatypes import ArrayValue

_CODES = {
    DataType.INT8_ARRAY: "b",
    DataType.INT16_ARRAY: "h",
    DataType.INT32_ARRAY: "i",
    DataType.INT64_ARRAY: "q",
    DataType.UINT8_ARRAY: "B",
    DataType.UINT16_ARRAY: "H",
    DataType.UINT32_ARRAY: "I",
    DataType.UINT64_ARRAY: "Q",
    DataType.FLOAT_ARRAY: "f",
    DataType.DOUBLE_ARRAY: "d",
    DataType.DATETIME_ARRAY: "q",
}
_BITS = 8


def pack_array(datatype: DataType, values: Sequence[bool | float | str]) -> bytes:
    """Pack ``values`` as ``datatype``; ValueError or struct.error where one does not fit."""
    if datatype is DataType.BOOLEAN_ARRAY:
        return struct.pack("<I", len(values)) + _pack_bits(values)
    if datatype is DataType.STRING_ARRAY:
        texts = [str(v) for v in values]
        if any("\0" in t for t in texts):
            raise ValueError("a string in a StringArray holds a NUL; it ends each string on the wire")
        return b"".join(t.encode() + b"\0" for t in texts)
    return struct.pack(f"<{len(values)}{_CODES[datatype]}", *values)


def unpack_array(datatype: DataType, data: bytes) -> ArrayValue:
    """Unpack bytes as ``datatype``; ValueError where the length does not fit or text is not UTF-8."""
    if datatype is DataType.BOOLEAN_ARRAY:
        return _unpack_bits(data)
    if datatype is DataType.STRING_ARRAY:
        if not data:
            return ()
        # Some peers leave out the NUL behind the last string.
        return tuple(part.decode() for part in data.removesuffix(b"\0").split(b"\0"))
    code = _CODES[datatype]
    size = struct.calcsize(f"<{code}")
    if len(data) % size:
        raise ValueError(f"{datatype.name} of {len(data)} bytes; allowed: multiples of {size}")
    return struct.unpack(f"<{len(data) // size}{code}", data)


def _pack_bits(values: Sequence[object]) -> bytes:
    out = bytearray((len(values) + _BITS - 1) // _BITS)
    for place, value in enumerate(values):
        if value:
            out[place // _BITS] |= 0x80 >> place % _BITS
    return bytes(out)


def _unpack_bits(data: bytes) -> tuple[bool, ...]:
    if len(data) < struct.calcsize("<I"):
        raise ValueError(f"BOOLEAN_ARRAY of {len(data)} bytes; allowed: a count of 4 bytes and the bits")
    (count,) = struct.unpack_from("<I", data)
    bits = data[4:]
    if len(bits) != (count + _BITS - 1) // _BITS:
        raise ValueError(f"BOOLEAN_ARRAY counts {count} bits but holds {len(bits)} bytes")
    return tuple(bool(bits[i // _BITS] & 0x80 >> i % _BITS) for i in range(count))
