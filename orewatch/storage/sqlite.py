"""The embedded store: the journal itself, its indexes, and the rollups and newest values beside it.

Answers are exact at any moment: a window that the projection has not rolled up yet, or owes again after a
late block, is computed from the journal's blocks on the spot.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from orewatch.storage.coarser import answered
from orewatch.storage.database import DatabaseError
from orewatch.storage.journal import Journal
from orewatch.storage.newest import merge_newest
from orewatch.storage.progress import Progress
from orewatch.storage.projection import DecodedBlock
from orewatch.storage.pruned import complete_from, contested
from orewatch.storage.query import Aggregate, Query, Series, StoreError, Table, empty_series
from orewatch.storage.rollup_tables import RollupTables
from orewatch.storage.rollups import Windows, column, regroup, settle, windows_of
from orewatch.telemetry.block import BlockError, decode_block

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from orewatch.plant.catalogue import SignalRef
    from orewatch.storage.journal import StoredBlock
    from orewatch.storage.query import Latest

BLOCKS_KEPT: Final = 1024
BLOCKS_AT_ONCE: Final = 256
UNSETTLED_BLOCKS: Final = 256


def rollups_beside(journal: Path) -> Path:
    """Return where the rollups of the journal at this path are kept."""
    return journal.with_name("rollups.db")


class BlockReader:
    """Decodes journaled blocks, remembering the last few. Thread-safe."""

    def __init__(self, *, journal: Journal) -> None:
        self._journal = journal
        self._kept: OrderedDict[int, DecodedBlock] = OrderedDict()
        self._lock = threading.Lock()

    def span(self, unit: str, start_ms: int, end_ms: int) -> list[DecodedBlock]:
        """Return the decoded blocks of ``unit`` that touch ``[start_ms, end_ms)``, in the order journaled."""
        return self._at(self._journal.span_positions(unit, start_ms, end_ms))

    def columns(
        self, unit: str, refs: Sequence[SignalRef], start_ms: int, end_ms: int
    ) -> dict[SignalRef, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Return the settled values of signals in ``[start_ms, end_ms)``; a few blocks are in memory at a time."""
        positions = self._journal.span_positions(unit, start_ms, end_ms)
        parts: dict[SignalRef, list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = {ref: [] for ref in refs}
        for at in range(0, len(positions), BLOCKS_AT_ONCE):
            blocks = self._at(positions[at : at + BLOCKS_AT_ONCE])
            for ref, found in parts.items():
                found.append(column(blocks, ref))
        return {ref: _within(*_settled(found), start_ms, end_ms) for ref, found in parts.items()}

    def _at(self, positions: Sequence[int]) -> list[DecodedBlock]:
        with self._lock:
            found = {p: self._kept[p] for p in positions if p in self._kept}
        missing = [p for p in positions if p not in found]
        for stored in self._journal.at(missing):
            decoded = self.decode(stored)
            if decoded is not None:
                found[stored.position] = decoded
        return [found[p] for p in positions if p in found]

    def decode(self, stored: StoredBlock) -> DecodedBlock | None:
        """Return one block decoded, or None where it cannot be (a damaged file)."""
        with self._lock:
            kept = self._kept.get(stored.position)
        if kept is not None:
            return kept
        schema = self._journal.schema(stored.header.schema)
        if schema is None:
            return None
        try:
            decoded = DecodedBlock(stored.header, schema, decode_block(stored.data, schema))
        except BlockError:
            return None
        with self._lock:
            self._kept[stored.position] = decoded
            while len(self._kept) > BLOCKS_KEPT:
                self._kept.popitem(last=False)
        return decoded


class EmbeddedStore:
    """A :class:`~orewatch.storage.query.HistoryStore` over the journal. Thread-safe."""

    def __init__(self, *, journal: Journal, tables: RollupTables) -> None:
        self._journal = journal
        self._tables = tables
        self._reader = BlockReader(journal=journal)

    @classmethod
    def open(cls, journal: Path, rollups: Path | None = None) -> Self:
        """Open the store over the journal at this path, for reading, beside a collector that writes it."""
        try:
            return cls(
                journal=Journal.open(journal, read_only=True),
                tables=RollupTables.open(rollups or rollups_beside(journal), read_only=True),
            )
        except DatabaseError as error:
            raise StoreError(str(error)) from error

    def close(self) -> None:
        """Close both files."""
        self._journal.close()
        self._tables.close()

    @property
    def _progress(self) -> Progress:
        return Progress(database=self._journal.database, projection=self._tables.name)

    def series(self, query: Query) -> Series:
        """Answer one query."""
        try:
            if query.aggregate in (Aggregate.RAW, Aggregate.FIRST):
                return self._from_scans(query)
            tables = [query.table, *(t for t in Table if t.step_ms > query.table.step_ms)]
            return answered(query, tables, lambda table: self._from(table, query))
        except DatabaseError as error:
            raise StoreError(str(error)) from error

    def latest(self, unit: str) -> dict[SignalRef, Latest]:
        """Return the newest reading, by event time, of every signal of ``unit`` that ever had one."""
        try:
            position = self._progress.position()
            newest = self._tables.latest(unit)
            for stored in self._journal.newest_of(unit, after_position=position, limit=UNSETTLED_BLOCKS):
                decoded = self._reader.decode(stored)
                if decoded is not None:
                    merge_newest(newest, decoded)
        except DatabaseError as error:
            raise StoreError(str(error)) from error
        return newest

    def many(self, unit: str, refs: Iterable[SignalRef], start_ms: int, end_ms: int) -> dict[SignalRef, Series]:
        """Return the raw series of several signals over ``[start_ms, end_ms)``; every asked signal is a key."""
        try:
            columns = self._reader.columns(unit, list(refs), start_ms, end_ms)
            since_ms = complete_from(self._journal.database, unit, start_ms, end_ms)
        except DatabaseError as error:
            raise StoreError(str(error)) from error
        return {ref: Series(*found, complete_from_ms=since_ms) for ref, found in columns.items()}

    def _from(self, table: Table, query: Query) -> Series:
        return self._from_scans(query) if table is Table.RAW else self._rolled(query, table)

    def _from_scans(self, query: Query) -> Series:
        whole = (query.unit, query.window_start_ms, query.window_end_ms)
        series = self._raw(query) if query.aggregate is Aggregate.RAW else self._aggregated(query)
        return replace(series, complete_from_ms=complete_from(self._journal.database, *whole))

    def _raw(self, query: Query) -> Series:
        return Series(*self._values(query, query.start_ms, query.end_ms))

    def _values(self, query: Query, start_ms: int, end_ms: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        return self._reader.columns(query.unit, [query.ref], start_ms, end_ms)[query.ref]

    def _aggregated(self, query: Query) -> Series:
        time_ms, values = self._values(query, query.window_start_ms, query.window_end_ms)
        step_ms = query.step_ms or 1
        if query.aggregate is Aggregate.FIRST:
            if not len(time_ms):
                return empty_series()
            window = time_ms // step_ms
            first = np.append(0, np.flatnonzero(np.diff(window) > 0) + 1)
            return Series(window[first] * step_ms, values[first])
        return _chosen(windows_of(time_ms, values, step_ms), query.aggregate, Table.RAW)

    def _rolled(self, query: Query, table: Table) -> Series:
        # A table coarser than the step answers in its own windows, those the span touches.
        table_step, step_ms = table.step_ms, query.step_in(table)
        start_ms = query.window_start_ms // table_step * table_step
        end_ms = -(-query.window_end_ms // table_step) * table_step
        unsettled = sorted(self._progress.unsettled(query.unit, table_step, start_ms, end_ms))
        # What retention has left of a window is a part: what was rolled up when it was whole stays the answer.
        lost = contested(self._journal.database, query.unit, unsettled, table_step)
        unsettled = [start for start in unsettled if start not in lost]
        kept = self._tables.windows(query.unit, query.ref, table_step, start_ms, end_ms)
        if unsettled:
            settled = ~np.isin(kept.time_ms, unsettled)
            kept = joined([picked(kept, settled), *self._computed(query, table_step, unsettled)])
        return _chosen(kept if step_ms == table_step else regroup(kept, step_ms), query.aggregate, table)

    def _computed(self, query: Query, step_ms: int, starts: Sequence[int]) -> list[Windows]:
        """Compute these windows from the blocks."""
        return [windows_of(*self._values(query, first, end), step_ms) for first, end in runs(starts, step_ms)]


def runs(starts: Sequence[int], step_ms: int) -> list[tuple[int, int]]:
    """Join neighbouring windows, given ascending, into spans ``[start, end)``."""
    spans: list[tuple[int, int]] = []
    for start in starts:
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], start + step_ms)
        else:
            spans.append((start, start + step_ms))
    return spans


def picked(windows: Windows, mask: NDArray[np.bool_]) -> Windows:
    """Return the windows where ``mask`` is true."""
    w = windows
    return Windows(w.time_ms[mask], w.mean[mask], w.low[mask], w.high[mask], w.count[mask], w.last[mask])


def joined(parts: Sequence[Windows]) -> Windows:
    """Join disjoint sets of windows, ascending."""
    time_ms = np.concatenate([p.time_ms for p in parts])
    order = np.argsort(time_ms, kind="stable")
    return Windows(
        time_ms[order],
        np.concatenate([p.mean for p in parts])[order],
        np.concatenate([p.low for p in parts])[order],
        np.concatenate([p.high for p in parts])[order],
        np.concatenate([p.count for p in parts])[order],
        np.concatenate([p.last for p in parts])[order],
    )


def _settled(
    parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    if len(parts) == 1:
        return parts[0]
    return settle(np.concatenate([t for t, _ in parts]), np.concatenate([v for _, v in parts]))


def _within(
    time_ms: NDArray[np.int64], values: NDArray[np.float64], start_ms: int, end_ms: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    first, end = np.searchsorted(time_ms, (start_ms, end_ms))
    return time_ms[first:end], values[first:end]


def _chosen(windows: Windows, aggregate: Aggregate, table: Table) -> Series:
    values = windows.of(aggregate)
    # What the last value of an old window was is not known: no value is better than a wrong one.
    known = ~np.isnan(values)
    return Series(windows.time_ms[known], values[known], table)
