"""Blocks to InfluxDB's line protocol: one wide line per machine and scan, times in milliseconds.

Measurement = machine class, tags machine, mineral, province, site, unit, fields = signals, all
floats. Values that are not GOOD are left out; what became of them stands in ``signal_quality``
(field ``code``, Sparkplug's 192 good, 0 bad, 500 stale): written where the quality changes within
a block, and at a block's first and last reading where it is not good there. A good value is its
own statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from orewatch.storage.influx_digits import MAX_DECIMALS, TIME, VALUE, time_text, value_text
from orewatch.storage.influx_names import clean, escaped, field_name, series
from orewatch.telemetry.scan import SPARKPLUG_QUALITY, Quality, physical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orewatch.storage.projection import DecodedBlock, RollupRows
    from orewatch.telemetry.block import BlockHeader
    from orewatch.telemetry.scan import Scans
    from orewatch.telemetry.schema import ScanGroup, Schema

QUALITY_MEASUREMENT: Final = "signal_quality"
ROLLUP_SUFFIX: Final = {60_000: "_1m", 3_600_000: "_1h"}

_MAX_TEMPLATES: Final = 4096
# Seen as plain bytes a text is copied in one piece, not field by field.
_VALUE: Final = np.dtype(f"V{VALUE.itemsize}")
_TIME: Final = np.dtype(f"V{TIME.itemsize}")
_QUALITY_CODE: Final = {int(q): code for q, code in SPARKPLUG_QUALITY.items()}


def _tags(origin: BlockHeader | RollupRows, machine: str) -> list[tuple[str, str]]:
    return [
        ("machine", machine),
        ("mineral", origin.mineral),
        ("province", origin.province),
        ("site", origin.site),
        ("unit", origin.unit),
    ]


def _decimal(resolution: float | None) -> tuple[int, int] | None:
    """Return (multiplier, decimals): a step is ``multiplier / 10 ** decimals``. None where that is too fine."""
    if resolution is None:
        return None
    exact = Decimal(repr(resolution)).normalize()
    exponent = int(exact.as_tuple().exponent)
    decimals = max(0, -exponent)
    multiplier = int(exact.scaleb(decimals))
    return (multiplier, decimals) if decimals <= MAX_DECIMALS and multiplier <= 10**6 else None


@dataclass(frozen=True, slots=True)
class _Lines:
    """How the lines of one group of one unit look: ``row`` uint8[bytes], to be seen as ``layout``, with places to fill.

    ``row`` is None where a column is too fine for digits by table.
    """

    group: ScanGroup
    prefix: bytes
    row: NDArray[np.uint8] | None
    layout: np.dtype[Any]
    multiplier: NDArray[np.int64] | None
    power: NDArray[np.uint32]

    @classmethod
    def of(cls, header: BlockHeader, group: ScanGroup) -> _Lines:
        prefix = series(group.cls, _tags(header, group.machine)) + b" "
        decimals = [_decimal(c.resolution) for c in group.columns]
        known = [d for d in decimals if d is not None]
        if len(known) < len(decimals):
            return cls(group, prefix, None, np.dtype([]), None, np.empty(0, np.uint32))
        names = [escaped(field_name(c.name)) + b"=" for c in group.columns]
        cell = np.dtype([("name", f"S{max(map(len, names))}"), ("value", _VALUE), ("comma", "S1")])
        parts = [
            ("prefix", f"S{len(prefix)}"),
            ("cells", cell, (len(names),)),
            ("space", "S1"),
            ("time", _TIME),
            ("end", "S1"),
        ]
        row = np.zeros((), np.dtype(parts))
        row["prefix"] = prefix
        row["cells"]["name"] = names
        row["cells"]["comma"][:-1] = b","
        row["space"] = b" "
        row["end"] = b"\n"
        multiplier = np.array([m for m, _ in known], np.int64)
        power = np.array([10**d for _, d in known], np.uint32)
        raw = np.frombuffer(row.tobytes(), np.uint8)
        return cls(group, prefix, raw, row.dtype, multiplier if (multiplier != 1).any() else None, power)


@dataclass(frozen=True, slots=True)
class _Part:
    lines: _Lines
    scans: Scans


class LineEncoder:
    """Encodes blocks, many at once: what is alike in the lines of a unit is made once and kept."""

    def __init__(self) -> None:
        self._templates: dict[tuple[str, ...] | bytes, list[_Lines]] = {}

    def encode(self, blocks: Sequence[DecodedBlock]) -> bytes:
        """Return the lines of ``blocks``, in order of blocks: of two values at one time a store keeps the last."""
        parts = [
            _Part(lines[scans.group], scans)
            for block in blocks
            for lines in (self._lines(block.header, block.schema),)
            for scans in block.scans
            if len(scans)
        ]
        text = self._texts(parts)
        quality = [
            line
            for block in blocks
            for scans in block.scans
            if scans.quality is not None
            for line in _quality_lines(block.header, block.schema.groups[scans.group], scans)
        ]
        return b"".join(text).translate(None, b"\0") + b"".join(quality)

    def _texts(self, parts: Sequence[_Part]) -> list[bytes]:
        """Return each part's lines, NULs still in."""
        fast = [i for i, p in enumerate(parts) if p.lines.row is not None]
        made = _encode_fast([parts[i] for i in fast])
        if made is None:
            fast = [i for i in fast if _fits(parts[i])]
            made = _encode_fast([parts[i] for i in fast]) or []
        if len(fast) == len(parts):
            return made
        text = dict(zip(fast, made, strict=True))
        return [text[i] if i in text else b"".join(_encode_slow(p)) for i, p in enumerate(parts)]

    def _lines(self, header: BlockHeader, schema: Schema) -> list[_Lines]:
        key = (header.unit, header.site, header.province, header.mineral, schema.hash.hex())
        found = self._templates.get(key)
        if found is None:
            if len(self._templates) >= _MAX_TEMPLATES:
                self._templates.clear()
            found = self._templates[key] = [_Lines.of(header, group) for group in schema.groups]
        return found


def _fits(part: _Part) -> bool:
    return _encode_fast([part]) is not None


def _encode_fast(parts: Sequence[_Part]) -> list[bytes] | None:
    """Return the lines of ``parts``, all their digits made in one go, NULs still in; None where one does not fit."""
    if not parts:
        return []
    steps = np.empty(sum(p.scans.steps.size for p in parts), np.int64)
    power = np.empty(len(steps), np.uint32)
    at = 0
    for part in parts:
        shape = part.scans.steps.shape
        end = at + part.scans.steps.size
        place = steps[at:end].reshape(shape)
        if part.lines.multiplier is None:
            place[:] = part.scans.steps
        else:
            np.multiply(part.scans.steps, part.lines.multiplier, out=place)
        power[at:end].reshape(shape)[:] = part.lines.power
        at = end
    values = value_text(steps, power)
    times = time_text(np.concatenate([p.scans.time_ms for p in parts]))
    if values is None or times is None:
        return None
    values, times = values.view(_VALUE), times.view(_TIME)
    text = []
    at = when = 0
    for part in parts:
        n, k = part.scans.steps.shape
        row = part.lines.row
        assert row is not None  # noqa: S101 - sorted out by the caller
        raw = np.empty((n, len(row)), np.uint8)
        raw[:] = row
        lines: NDArray[Any] = np.ndarray((n,), part.lines.layout, raw)
        lines["cells"]["value"] = values[at : at + n * k].reshape(n, k)
        lines["time"] = times[when : when + n]
        at, when = at + n * k, when + n
        text.append((lines if part.scans.quality is None else _only_good(lines, part.scans.quality)).tobytes())
    return text


def _only_good(lines: NDArray[Any], quality: NDArray[np.uint8]) -> NDArray[Any]:
    """Blank the fields that are not GOOD, and drop lines without any."""
    good = quality == Quality.GOOD
    if good.all():
        return lines
    some = good.any(axis=1)
    cells = lines["cells"]
    cells[~good] = np.zeros((), cells.dtype)
    last = good.shape[1] - 1 - np.argmax(good[:, ::-1], axis=1)
    cells["comma"][np.arange(len(lines)), last] = b""
    kept: NDArray[Any] = lines[some]
    return kept


def _encode_slow(part: _Part) -> list[bytes]:
    """Return the lines of a part with fine, unbounded or lossless columns, value by value."""
    names = [escaped(field_name(c.name)) + b"=" for c in part.lines.group.columns]
    values = physical(part.lines.group, part.scans.steps)
    good = np.isfinite(values)
    if part.scans.quality is not None:
        good &= part.scans.quality == Quality.GOOD
    lines = []
    for time, row, is_good in zip(part.scans.time_ms.tolist(), values.tolist(), good.tolist(), strict=True):
        fields = [n + repr(v).encode() for n, v, ok in zip(names, row, is_good, strict=True) if ok]
        if fields:
            lines.append(part.lines.prefix + b",".join(fields) + b" %d\n" % time)
    return lines


def _quality_lines(header: BlockHeader, group: ScanGroup, scans: Scans) -> list[bytes]:
    if scans.quality is None:
        return []
    lines = []
    for column, quality in zip(group.columns, scans.quality.T, strict=True):
        # A signal that was not read says nothing of its quality.
        read = np.flatnonzero(quality != Quality.ABSENT)
        codes = quality[read]
        change = np.flatnonzero(np.diff(codes, prepend=np.uint8(Quality.GOOD))).tolist()
        if not change:
            continue
        # The newest reading of a signal that stays bad is known to the second, too.
        if codes[-1] != Quality.GOOD and change[-1] != len(codes) - 1:
            change.append(len(codes) - 1)
        head = series(QUALITY_MEASUREMENT, [*_tags(header, group.machine), ("signal", column.name)])
        lines += [head + b" code=%d %d\n" % (_QUALITY_CODE[int(codes[i])], scans.time_ms[read[i]]) for i in change]
    return lines


def encode_rollups(rows: Sequence[RollupRows]) -> bytes:
    """Return the lines of rolled-up windows: fields ``mean_``, ``min_``, ``max_``, ``count_``, ``last_`` + signal."""
    lines = []
    for part in rows:
        head = series(part.cls + ROLLUP_SUFFIX[part.step_ms], _tags(part, part.machine)) + b" "
        names = [escaped(clean(n) or "_") for n in part.names]
        table = [values.tolist() for values in (part.mean, part.low, part.high, part.last, part.count)]
        for time, *windows in zip(part.time_ms.tolist(), *table, strict=True):
            fields = [
                b"mean_%b=%b,min_%b=%b,max_%b=%b,last_%b=%b,count_%b=%d"
                % (name, b"%r" % mean, name, b"%r" % low, name, b"%r" % high, name, b"%r" % last, name, count)
                for name, mean, low, high, last, count in zip(names, *windows, strict=True)
                if count
            ]
            if fields:
                lines.append(head + b",".join(fields) + b" %d\n" % time)
    return b"".join(lines)
