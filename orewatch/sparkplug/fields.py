"""One value to and from the wire's fields, by its datatype.

Writing is strict: a value that does not fit its datatype is an error. Reading is lenient: peers put
integers into either integer field, at any width, as two's complement or not.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from orewatch.sparkplug import sparkplug_b_pb2 as pb
from orewatch.sparkplug.arrays import pack_array, unpack_array
from orewatch.sparkplug.datatypes import BLOBS, REALS, SIGNED, TEXTS, UNSIGNED, DataSet, DataType, is_array

if TYPE_CHECKING:
    from orewatch.sparkplug.datatypes import MetricValue

_NARROW = 32
_MASK32 = 0xFFFF_FFFF
_MASK64 = 0xFFFF_FFFF_FFFF_FFFF
_FLOAT_MAX = 3.4028234663852886e38


class FieldError(ValueError):
    """A value does not fit its datatype; ``changed``: the wire holds another kind of value altogether."""

    def __init__(self, message: str, *, changed: bool = False) -> None:
        super().__init__(message)
        self.changed = changed


def write_value(metric: pb.Metric, datatype: DataType | None, value: MetricValue) -> None:
    """Set the value field of ``metric``; :class:`FieldError` where ``value`` does not fit ``datatype``.

    ``datatype`` None: the field follows the Python type, integers as 64 bits.
    """
    if datatype is None:
        datatype = _natural(value)
    try:
        _write(metric, datatype, value)
    except (TypeError, ValueError, struct.error, OverflowError) as error:
        if isinstance(error, FieldError):
            raise
        raise FieldError(f"{value!r:.80} does not fit {datatype.name}: {error}") from error


def _write(metric: pb.Metric, datatype: DataType, value: MetricValue) -> None:  # noqa: C901, PLR0912 - one branch per kind
    if datatype is DataType.DOUBLE:
        metric.double_value = _number(value, datatype)
    elif datatype is DataType.BOOLEAN:
        if not isinstance(value, bool):
            raise FieldError(f"{value!r:.80} does not fit BOOLEAN; allowed: true, false")
        metric.boolean_value = value
    elif datatype in SIGNED or datatype in UNSIGNED:
        number = _integer(value, datatype)
        if SIGNED.get(datatype) == 2 * _NARROW or datatype is DataType.UINT64:
            metric.long_value = number & _MASK64
        else:
            metric.int_value = number & _MASK32
    elif datatype is DataType.FLOAT:
        real = _number(value, datatype)
        if math.isfinite(real) and abs(real) > _FLOAT_MAX:
            raise FieldError(f"{value!r} does not fit FLOAT; allowed: up to {_FLOAT_MAX}")
        metric.float_value = real
    elif datatype in TEXTS:
        if not isinstance(value, str):
            raise FieldError(f"{value!r:.80} does not fit {datatype.name}; allowed: text")
        metric.string_value = value
    elif datatype in BLOBS:
        if not isinstance(value, bytes):
            raise FieldError(f"{value!r:.80} does not fit {datatype.name}; allowed: bytes")
        if datatype is DataType.TEMPLATE:
            metric.template_value = value
        else:
            metric.bytes_value = value
    elif datatype is DataType.DATASET:
        if not isinstance(value, DataSet):
            raise FieldError(f"{value!r:.80} does not fit DATASET")
        _write_dataset(metric.dataset_value, value)
    elif is_array(datatype):
        if not isinstance(value, tuple):
            raise FieldError(f"{value!r:.80} does not fit {datatype.name}; allowed: a tuple")
        metric.bytes_value = pack_array(datatype, value)
    else:
        raise FieldError(f"{datatype.name} is not a metric's datatype")


def _natural(value: MetricValue) -> DataType:
    kinds: tuple[tuple[type, DataType], ...] = (
        (bool, DataType.BOOLEAN),
        (int, DataType.INT64),
        (float, DataType.DOUBLE),
        (str, DataType.STRING),
        (bytes, DataType.BYTES),
        (DataSet, DataType.DATASET),
    )
    for kind, datatype in kinds:
        if isinstance(value, kind):
            return datatype
    raise FieldError(f"{value!r:.80} needs a datatype")


def _number(value: MetricValue, datatype: DataType) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise FieldError(f"{value!r:.80} does not fit {datatype.name}; allowed: a number")


def _integer(value: MetricValue, datatype: DataType) -> int:
    signed = datatype in SIGNED
    width = SIGNED[datatype] if signed else UNSIGNED[datatype]
    low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise FieldError(f"{value!r:.80} does not fit {datatype.name}; allowed: {low} to {high}")
    return value


def _write_dataset(out: pb.DataSet, table: DataSet) -> None:
    if len(table.columns) != len(table.types):
        raise FieldError(f"a DataSet of {len(table.columns)} columns and {len(table.types)} types")
    out.num_of_columns = len(table.columns)
    out.columns.extend(table.columns)
    out.types.extend(table.types)
    for row in table.rows:
        if len(row) != len(table.columns):
            raise FieldError(f"a DataSet row of {len(row)} values; allowed: {len(table.columns)}")
        elements = out.rows.add().elements
        for datatype, value in zip(table.types, row, strict=True):
            # Only the six plain fields exist here, under the names a metric's have.
            _write(elements.add(), datatype, value)  # type: ignore[arg-type]


def read_value(metric: pb.Metric, datatype: DataType | None) -> MetricValue:
    """Read the value of ``metric`` as ``datatype`` (None: as the wire has it); None where there is none.

    :class:`FieldError` where the wire holds something else.
    """
    field = metric.WhichOneof("value")
    if field is None or metric.is_null:
        return None
    return read_field(getattr(metric, field), field, datatype)


def read_field(  # noqa: C901 - one branch per kind of field
    raw: object, field: str, datatype: DataType | None
) -> MetricValue:
    """Interpret what field ``field`` held; see :func:`read_value`."""
    if field == "string_value" and not isinstance(raw, str):
        raise FieldError(f"text is not UTF-8: {raw!r:.80}")
    if datatype is None or datatype is DataType.UNKNOWN:
        return _read_dataset(raw) if isinstance(raw, pb.DataSet) else raw  # type: ignore[return-value]
    fits = False
    if isinstance(raw, bool):
        fits = datatype is DataType.BOOLEAN
    elif isinstance(raw, int):
        return _read_integer(raw, datatype)
    elif isinstance(raw, float):
        fits = datatype in REALS
    elif isinstance(raw, str):
        fits = datatype in TEXTS
    elif isinstance(raw, bytes):
        fits = datatype in BLOBS
        if is_array(datatype):
            return _read_array(raw, datatype)
    elif datatype is DataType.DATASET:
        return _read_dataset(raw)  # type: ignore[arg-type]
    if not fits:
        raise FieldError(f"{field} where {datatype.name} was declared", changed=True)
    return raw  # type: ignore[return-value]


def _read_array(raw: bytes, datatype: DataType) -> MetricValue:
    try:
        return unpack_array(datatype, raw)
    except ValueError as error:
        raise FieldError(str(error)) from error


def _read_integer(raw: int, datatype: DataType) -> MetricValue:
    """Undo what peers do to integers: 251, 2**32 - 5 and 2**64 - 5 are all the Int8 -5."""
    if datatype is DataType.BOOLEAN and raw in {0, 1}:
        return bool(raw)
    if datatype in UNSIGNED:
        if raw >> UNSIGNED[datatype]:
            raise FieldError(f"{raw} does not fit {datatype.name}")
        return raw
    width = SIGNED.get(datatype)
    if width is None:
        raise FieldError(f"an integer where {datatype.name} was declared", changed=True)
    half = 1 << width - 1
    for bits in (width, 32, 64):
        if raw >> bits == 0:
            number = raw - (1 << bits) if raw >> bits - 1 else raw
            if -half <= number < half:
                return number
    raise FieldError(f"{raw} does not fit {datatype.name}")


def _read_dataset(table: pb.DataSet) -> DataSet:
    try:
        types = tuple(DataType(t) for t in table.types)
    except ValueError as error:
        raise FieldError(f"DataSet: {error}") from error
    columns = tuple(table.columns)
    if len(columns) != len(types):
        raise FieldError(f"a DataSet of {len(columns)} columns and {len(types)} types")
    rows = []
    for row in table.rows:
        if len(row.elements) != len(types):
            raise FieldError(f"a DataSet row of {len(row.elements)} values; allowed: {len(types)}")
        values: list[MetricValue] = []
        for element, datatype in zip(row.elements, types, strict=True):
            field = element.WhichOneof("value")
            values.append(None if field is None else read_field(getattr(element, field), field, datatype))
        rows.append(tuple(values))
    return DataSet(columns, types, tuple(rows))
