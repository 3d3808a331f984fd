"""The schema: which signals a unit's blocks hold, in which order, at which resolution.

A schema's hash travels in every block, so that a block can be read years later whatever the
unit's configuration has become by then.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from orewatch.plant.catalogue import SignalKind, SignalRef

if TYPE_CHECKING:
    from orewatch.plant.unit import Unit

HASH_BYTES = 8
MAX_GROUPS = 4096
MAX_COLUMNS = 65_536


class SchemaError(ValueError):
    """A schema is malformed; the message names what and what is allowed."""


@dataclass(frozen=True, slots=True)
class Column:
    """One signal in a schema. ``resolution`` in ``unit`` a step; None: a lossless float64 column."""

    name: str
    unit: str
    resolution: float | None
    kind: SignalKind = SignalKind.ANALOG


@dataclass(frozen=True, slots=True)
class ScanGroup:
    """Signals of one machine that are read together, every ``period_s`` seconds."""

    machine: str
    cls: str
    period_s: float
    columns: tuple[Column, ...]

    def refs(self) -> tuple[SignalRef, ...]:
        """Return the group's signals in column order."""
        return tuple(SignalRef(self.machine, c.name) for c in self.columns)


@dataclass(frozen=True)
class Schema:
    """The scan groups of one unit; a group's number is its place here."""

    groups: tuple[ScanGroup, ...]

    @cached_property
    def text(self) -> str:
        """The canonical JSON that :func:`schema_from_text` reads and the hash covers."""
        table = [[g.machine, g.cls, float(g.period_s), [_column_text(c) for c in g.columns]] for g in self.groups]
        return json.dumps({"v": 1, "groups": table}, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def hash(self) -> bytes:
        """Eight bytes that name this schema."""
        return hashlib.blake2b(self.text.encode(), digest_size=HASH_BYTES).digest()

    @cached_property
    def float_columns(self) -> list[list[int]]:
        """By group, the columns that have no resolution."""
        return [[i for i, c in enumerate(group.columns) if c.resolution is None] for group in self.groups]

    @cached_property
    def where(self) -> dict[SignalRef, tuple[int, int]]:
        """Where a signal is: group number, column number."""
        return {ref: (g, c) for g, group in enumerate(self.groups) for c, ref in enumerate(group.refs())}


def _column_text(column: Column) -> list[str | float | None]:
    # 1 and 1.0 are the same resolution and must not make two hashes.
    resolution = None if column.resolution is None else float(column.resolution)
    return [column.name, column.unit, resolution, column.kind.value]


def schema_of(unit: Unit) -> Schema:
    """Return the schema of a unit: per machine a group for each sampling rate, faster ones first."""
    groups = []
    for machine in unit.machines.values():
        by_rate: dict[float, list[Column]] = {}
        for signal in machine.signals.values():
            column = Column(signal.name, signal.unit, signal.resolution, signal.kind)
            by_rate.setdefault(float(signal.rate_s), []).append(column)
        groups += [ScanGroup(machine.id, machine.cls, rate, tuple(by_rate[rate])) for rate in sorted(by_rate)]
    return Schema(tuple(groups))


def schema_from_text(text: str) -> Schema:
    """Read :attr:`Schema.text`; :class:`SchemaError` where it is not one."""
    try:
        raw = json.loads(text)
        version = raw["v"]
        groups = tuple(
            ScanGroup(
                str(machine),
                str(cls),
                float(period),
                tuple(Column(str(n), str(u), None if r is None else float(r), SignalKind(k)) for n, u, r, k in columns),
            )
            for machine, cls, period, columns in raw["groups"]
        )
        schema = Schema(groups)
        # Half of a surrogate pair is text to JSON, but nothing that can be hashed or kept.
        schema.hash  # noqa: B018 - computed here, kept there
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        msg = f"schema: {type(error).__name__}: {error}"
        raise SchemaError(msg) from error
    if version != 1:
        raise SchemaError(f"schema version {version!r}; allowed: 1")
    _check(groups)
    return schema


def _check(groups: tuple[ScanGroup, ...]) -> None:
    count = sum(len(g.columns) for g in groups)
    if len(groups) > MAX_GROUPS or count > MAX_COLUMNS:
        msg = f"schema of {len(groups)} groups, {count} columns; allowed: {MAX_GROUPS}, {MAX_COLUMNS}"
        raise SchemaError(msg)
    for g in groups:
        for c in g.columns:
            if c.resolution is not None and not (math.isfinite(c.resolution) and c.resolution > 0):
                msg = f"schema: {g.machine}.{c.name}: resolution {c.resolution!r}; allowed: above 0, or null"
                raise SchemaError(msg)
