"""The way of a block into the journal: judge, commit, and only then say that it is durable.

A block ends *stored* (or known already), *dead-lettered* with the reason, or *held* for its schema; the first
two are acknowledged. No bad block stands in the way of the ones behind it.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from collector.arrivals import Arrival, NodeKey, Receipt
from orewatch.storage.dead_letters import DeadLetter, Verdict, count_letters, drop_letters, read_letters
from orewatch.storage.durations import Durations
from orewatch.storage.journal import JournalEntry, Outcome
from orewatch.telemetry.acceptance import (
    EARLIEST_MS,
    Acceptance,
    Judgement,
    claimed_identity,
    judge_header,
    open_block,
    open_header,
)
from orewatch.telemetry.schema import Schema, SchemaError, schema_from_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.arrivals import Birth
    from collector.counters import Counters
    from collector.waiting import Waiting
    from orewatch.storage.journal import Journal
    from orewatch.storage.registry import Registry
    from orewatch.telemetry.block import BlockHeader

log = logging.getLogger(__name__)

UNKNOWN_SCHEMA = "unknown_schema"
COLLECTOR_FAULT = "collector_fault"
RELEASED_AT_ONCE = 1000


class _Batch:
    """One transaction in the making."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []
        self.letters: list[DeadLetter] = []
        self.durable: list[tuple[NodeKey, bytes, int]] = []
        self.unknown: set[NodeKey] = set()

    def receipt(self) -> Receipt:
        grouped: dict[NodeKey, dict[bytes, list[int]]] = {}
        for key, spool, number in self.durable:
            grouped.setdefault(key, {}).setdefault(spool, []).append(number)
        return Receipt(grouped, frozenset(self.unknown))


class Intake:
    """Takes births and blocks. Its methods block, belong to one thread, and raise :class:`JournalError`."""

    def __init__(
        self,
        *,
        journal: Journal,
        registry: Registry,
        counters: Counters,
        waiting: Waiting,
        quarantine_kept: int = 10_000,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._journal = journal
        self._registry = registry
        self._counters = counters
        self._waiting = waiting
        self._quarantine_kept = quarantine_kept
        self._laid_by: int | None = None
        self._stopwatch = stopwatch
        self.commits = Durations()

    @property
    def held(self) -> int:
        """How many blocks wait for their schema."""
        return len(self._waiting)

    def born(self, births: Sequence[Birth]) -> Receipt:
        """Keep what births say, and take every block that waited for one of their schemas."""
        declaring = [birth for birth in births if birth.schemas is not None]
        schemas = [schema for birth in declaring for schema in self._readable(birth)]
        self._journal.put_schemas(schemas)
        self._registry.put(*(birth.record for birth in births))
        batch = _Batch()
        for birth in declaring:
            self._counters.add(birth.key.node, "births")
            for arrival in self._waiting.release(birth.key):
                self._judge(arrival, batch, last_word=True)
        receipt = self._commit(batch)
        for schema in {s.hash: s for s in schemas}.values():
            self._take_out(schema)
        return receipt

    def _readable(self, birth: Birth) -> list[Schema]:
        schemas = []
        for text in birth.schemas or ():
            try:
                schemas.append(schema_from_text(text))
            except SchemaError as error:
                self._counters.add(birth.key.node, "schemas_rejected", "malformed")
                log.warning("%s: %s", birth.key.node, error)
        return schemas

    def take(self, arrivals: Sequence[Arrival], letters: Sequence[DeadLetter] = ()) -> Receipt:
        """Take a batch of blocks, and letters already written, in one transaction."""
        batch = _Batch()
        batch.letters += letters
        for arrival in arrivals:
            self._judge(arrival, batch, last_word=False)
        return self._commit(batch)

    def condemn(self, arrival: Arrival, fault: str) -> Receipt:
        """Dead-letter a block on which the collector itself failed, so that it cannot fail on it for ever."""
        batch = _Batch()
        judgement = Judgement(Acceptance.REJECT, COLLECTOR_FAULT, fault)
        batch.letters.append(_letter(arrival, judgement, None))
        identity = claimed_identity(arrival.data)
        if identity:
            batch.durable.append((arrival.key, *identity))
        return self._commit(batch)

    def _judge(self, arrival: Arrival, batch: _Batch, *, last_word: bool) -> None:
        node = arrival.key.node
        if arrival.received_ms < EARLIEST_MS and not arrival.ours:
            # Our own clock is not set yet: by it every sound block would lie in the future. They come again.
            self._counters.add(node, "blocks_refused", "own_clock_before_2020")
            return
        header, judgement = open_header(arrival.data)
        if header is None:
            identity = claimed_identity(arrival.data)
            batch.letters.append(_letter(arrival, judgement, None))
            if identity:
                batch.durable.append((arrival.key, *identity))
            return
        judgement = judge_header(header, node=node, received_ms=arrival.received_ms)
        if judgement.acceptance is Acceptance.ACCEPT:
            schema = self._journal.schema(header.schema)
            if schema is None:
                self._unknown(arrival, header, batch, last_word=last_word)
                return
            judgement = open_block(arrival.data, schema)[1]
        if judgement.acceptance is Acceptance.ACCEPT:
            batch.entries.append(JournalEntry(header, arrival.data, arrival.received_ms))
        elif judgement.acceptance is Acceptance.QUARANTINE and not self._room_to_lay_by(batch):
            self._counters.add(node, "blocks_refused", "quarantine_full")
            return
        else:
            batch.letters.append(_letter(arrival, judgement, header.schema))
        batch.durable.append((arrival.key, header.spool, header.number))

    def _unknown(self, arrival: Arrival, header: BlockHeader, batch: _Batch, *, last_word: bool) -> None:
        node = arrival.key.node
        if last_word and self._room_to_lay_by(batch):
            batch.letters.append(
                DeadLetter(
                    unit=node,
                    verdict=Verdict.WAITING,
                    reason=UNKNOWN_SCHEMA,
                    detail=f"schema {header.schema.hex()} is not declared by the birth",
                    received_ms=arrival.received_ms,
                    data=arrival.data,
                    schema=header.schema,
                )
            )
            batch.durable.append((arrival.key, header.spool, header.number))
            return
        self._counters.add(node, "blocks_held", UNKNOWN_SCHEMA)
        for dropped in self._waiting.hold(arrival, header.spool, header.number):
            self._counters.add(dropped.key.node, "blocks_dropped", "waiting_full")
        batch.unknown.add(arrival.key)

    def _room_to_lay_by(self, batch: _Batch) -> bool:
        if self._laid_by is None:
            self._laid_by = count_letters(self._journal.database, Verdict.QUARANTINED, Verdict.WAITING)
        here = sum(letter.verdict is not Verdict.REJECTED for letter in batch.letters)
        return self._laid_by + here < self._quarantine_kept

    def _commit(self, batch: _Batch) -> Receipt:
        if not batch.entries and not batch.letters:
            return batch.receipt()
        began_s = self._stopwatch()
        outcomes = self._journal.commit(batch.entries, batch.letters)
        self.commits.took(self._stopwatch() - began_s)
        # From here on it is durable.
        for entry, outcome in zip(batch.entries, outcomes, strict=True):
            unit = entry.header.unit
            self._counters.add(unit, "blocks", outcome.value)
            if outcome is Outcome.STORED:
                self._counters.add(unit, "values_stored", amount=entry.header.values)
                self._counters.add(unit, "bytes_stored", amount=len(entry.data))
        for letter in batch.letters:
            self._counters.add(letter.unit, "dead_letters", letter.reason)
            if letter.verdict is not Verdict.REJECTED:
                self._laid_by = None
        return batch.receipt()

    def _take_out(self, schema: Schema) -> None:
        """Move blocks laid by for want of this schema into the journal."""
        while letters := read_letters(
            self._journal.database, verdict=Verdict.WAITING, schema=schema.hash, limit=RELEASED_AT_ONCE
        ):
            batch = _Batch()
            for letter in reversed(letters):
                self._judge(Arrival(NodeKey("", letter.unit), letter.data, letter.received_ms), batch, last_word=True)
            self._commit(batch)
            # Killed in between: they are duplicates the next time.
            with self._journal.database.write() as cursor:
                drop_letters(cursor, [letter.id for letter in letters])
            self._laid_by = None


def _letter(arrival: Arrival, judgement: Judgement, schema: bytes | None) -> DeadLetter:
    quarantined = judgement.acceptance is Acceptance.QUARANTINE
    return DeadLetter(
        unit=arrival.key.node,
        verdict=Verdict.QUARANTINED if quarantined else Verdict.REJECTED,
        reason=judgement.ground,
        detail=judgement.detail,
        received_ms=arrival.received_ms,
        data=arrival.data,
        schema=schema,
    )
