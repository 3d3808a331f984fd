"""Sparkplug datatypes and the Python values that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias


class DataType(IntEnum):
    """The specification's datatype numbers."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    DATASET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    PROPERTY_SET = 20
    PROPERTY_SET_LIST = 21
    INT8_ARRAY = 22
    INT16_ARRAY = 23
    INT32_ARRAY = 24
    INT64_ARRAY = 25
    UINT8_ARRAY = 26
    UINT16_ARRAY = 27
    UINT32_ARRAY = 28
    UINT64_ARRAY = 29
    FLOAT_ARRAY = 30
    DOUBLE_ARRAY = 31
    BOOLEAN_ARRAY = 32
    STRING_ARRAY = 33
    DATETIME_ARRAY = 34


@dataclass(frozen=True, slots=True)
class DataSet:
    """A table: ``columns`` names, ``types`` one per column, ``rows`` tuples of one value per column."""

    columns: tuple[str, ...]
    types: tuple[DataType, ...]
    rows: tuple[tuple[MetricValue, ...], ...] = ()


ArrayValue: TypeAlias = tuple[bool | int | float | str, ...]
# Arrays are tuples; DateTime is int milliseconds since 1970 UTC; File, Bytes and Template are bytes.
MetricValue: TypeAlias = bool | int | float | str | bytes | ArrayValue | DataSet | None

SIGNED = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64, DataType.DATETIME: 64}
UNSIGNED = {DataType.UINT8: 8, DataType.UINT16: 16, DataType.UINT32: 32, DataType.UINT64: 64}
REALS = frozenset({DataType.FLOAT, DataType.DOUBLE})
TEXTS = frozenset({DataType.STRING, DataType.TEXT, DataType.UUID})
BLOBS = frozenset({DataType.BYTES, DataType.FILE, DataType.TEMPLATE})


def is_array(datatype: DataType) -> bool:
    """Whether values of ``datatype`` are tuples."""
    return datatype >= DataType.INT8_ARRAY
