"""The one thread that writes the journal: group commit, so that the event loop never waits for the disk.

While one batch is committed the next gathers: the slower the disk, the larger the batches.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from collector.arrivals import Arrival, Birth, Death, Declared, Receipt
from orewatch.sparkplug.actions import Data
from orewatch.storage.dead_letters import DeadLetter
from orewatch.storage.journal import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from collector.arrivals import Item, NodeKey
    from collector.counters import Counters
    from collector.foreign import ForeignNodes
    from collector.intake import Intake
    from orewatch.storage.registry import Registry

log = logging.getLogger(__name__)

TICK_S: Final = 0.25
UPKEEP_MS: Final = 2_000
AFTER_FAILURE_S: Final = 1.0
TELL_AGAIN_MS: Final = 60_000
BATCH_BLOCKS: Final = 2_000
OVERHEAD_BYTES: Final = 256
VALUE_BYTES: Final = 64
"""A plain reading's number, time and places in lists."""
LETTERS_HELD: Final = 1_000
"""Letters held while the journal takes nothing."""


class Writer:
    """Takes items from the event loop and hands receipts back, by ``on_receipt``, on its own thread.

    ``upkeep`` is called every few seconds on the same thread; it may raise :class:`JournalError`.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        counters: Counters,
        intake: Intake,
        foreign: ForeignNodes,
        on_receipt: Callable[[Receipt], None],
        upkeep: Callable[[int], None],
        now_ms: Callable[[], int],
        max_bytes: int,
    ) -> None:
        self._registry = registry
        self._counters = counters
        self._intake = intake
        self._foreign = foreign
        self._on_receipt = on_receipt
        self._upkeep = upkeep
        self._now_ms = now_ms
        self._max_bytes = max_bytes
        self._ready = threading.Condition()
        self._queue: list[Item] = []
        self._bytes = 0
        self._closing = False
        self._births: dict[NodeKey, Birth] = {}
        self._ours: list[Arrival] = []
        self._letters: list[DeadLetter] = []
        self._deaths: dict[NodeKey, Death] = {}
        self._upkept_ms = 0
        self._failing_since_ms: int | None = None
        self._told_ms = 0
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Write what is queued, then end the thread."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join()

    @property
    def queued_bytes(self) -> int:
        """What waits to be written."""
        return self._bytes

    def submit(self, item: Item) -> bool:
        """Queue one item; False, and counted, where the queue is full. A refused block is resent by its node."""
        size = OVERHEAD_BYTES + _content_bytes(item)
        with self._ready:
            if self._bytes + size > self._max_bytes:
                self._counters.add("", "queue_full", type(item).__name__.lower())
                return False
            self._queue.append(item)
            self._bytes += size
            if len(self._queue) == 1:
                self._ready.notify()
        return True

    def flush(self, *, everything: bool = False) -> bool:
        """Write what is queued, in the caller's thread; ``everything``: also plain readings not due yet.

        False where the journal could not be written. For the thread, and for whoever uses a writer without it.
        """
        with self._ready:
            items, self._queue, self._bytes = self._queue, [], 0
        return self._write(items, self._now_ms(), everything=everything)

    def _run(self) -> None:
        while True:
            with self._ready:
                if not self._queue and not self._closing:
                    self._ready.wait(TICK_S)
                closing = self._closing
            try:
                written = self.flush(everything=closing)
            except Exception:
                # The edge of the thread: a fault of ours must not end it. It is counted, and seen in /metrics.
                log.exception("journal writer")
                self._counters.add("", "faults", "writer")
                written = False
            if closing:
                return
            if not written:
                with self._ready:
                    self._ready.wait_for(lambda: self._closing, AFTER_FAILURE_S)

    def _write(self, items: Sequence[Item], now_ms: int, *, everything: bool) -> bool:
        """Write a batch; False where the journal could not."""
        arrivals = self._sorted(items, now_ms)
        try:
            self._keep_letters_bounded()
            self._commit(arrivals, now_ms, everything=everything)
            for death in self._deaths.values():
                self._registry.died(death.key.node, death.at_ms)
            self._deaths.clear()
            if everything or not 0 <= now_ms - self._upkept_ms < UPKEEP_MS:
                self._upkept_ms = now_ms
                self._upkeep(now_ms)
        except JournalError as error:
            reason = "full" if error.full else "busy" if error.busy else "error"
            self._counters.add("", "journal_failures", reason)
            self._tell_failure(error, now_ms)
            return False
        if self._failing_since_ms is not None:
            log.warning("journal: takes blocks again, after %.0f s", (now_ms - self._failing_since_ms) / 1000)
            self._failing_since_ms = None
        return True

    def _sorted(self, items: Sequence[Item], now_ms: int) -> list[Arrival]:
        """Put each item where it waits for the commit; returns the blocks."""
        arrivals: list[Arrival] = []
        for item in items:
            if isinstance(item, Arrival):
                arrivals.append(item)
            elif isinstance(item, Birth):
                self._remember(item)
            elif isinstance(item, DeadLetter):
                self._letters.append(item)
            elif isinstance(item, Death):
                self._deaths[item.key] = item
                self._ours += self._foreign.forget(item.key, now_ms)
            elif isinstance(item, Declared):
                self._foreign.declare(item)
            else:
                self._foreign.take(item)
        return arrivals

    def _tell_failure(self, error: JournalError, now_ms: int) -> None:
        if self._failing_since_ms is None or not 0 <= now_ms - self._told_ms < TELL_AGAIN_MS:
            # On a full disk a line each second would be one more thing that fills it.
            log.error("journal: %s; what comes is not acknowledged, and sent again", error)
            self._told_ms = now_ms
        if self._failing_since_ms is None:
            self._failing_since_ms = now_ms

    def _remember(self, birth: Birth) -> None:
        known = self._births.get(birth.key)
        if known and birth.schemas is None:
            birth = Birth(birth.key, birth.record, known.schemas)
        # Deaths are written after births: one that the node has come back from must not be.
        self._deaths.pop(birth.key, None)
        self._births[birth.key] = birth

    def _commit(self, arrivals: Sequence[Arrival], now_ms: int, *, everything: bool) -> None:
        if self._births:
            self._born(list(self._births.values()))
            self._births.clear()
        self._ours += self._foreign.due(now_ms, everything=everything)
        self._keep_ours_bounded()
        if self._ours:
            self._foreign.put_schemas()
            # Nobody waits for receipts of what we made ourselves.
            self._taken(self._ours, (), lambda _: None)
            self._ours.clear()
        for at in range(0, max(len(arrivals), 1), BATCH_BLOCKS):
            batch = arrivals[at : at + BATCH_BLOCKS]
            if batch or self._letters:
                self._taken(batch, self._letters, self._on_receipt)
                self._letters.clear()

    def _born(self, births: Sequence[Birth]) -> None:
        try:
            self._on_receipt(self._intake.born(births))
        except JournalError:
            raise
        except Exception:
            # As with blocks: one birth on which we fail must not keep the others out, now or ever again.
            log.exception("births of %d nodes", len(births))
            self._counters.add("", "faults", "births")
            if len(births) > 1:
                for birth in births:
                    self._born([birth])
            else:
                self._counters.add(births[0].key.node, "births_rejected", "collector_fault")

    def _taken(
        self, batch: Sequence[Arrival], letters: Sequence[DeadLetter], on_receipt: Callable[[Receipt], None]
    ) -> None:
        try:
            receipt = self._intake.take(batch, letters)
        except JournalError:
            raise
        except Exception:
            # One block in the batch hits a fault of ours. It must not take the others with it, now or ever again.
            log.exception("a batch of %d blocks", len(batch))
            self._counters.add("", "faults", "intake")
            for arrival in batch:
                on_receipt(self._alone(arrival))
            self._intake.take((), letters)
        else:
            on_receipt(receipt)

    def _alone(self, arrival: Arrival) -> Receipt:
        try:
            return self._intake.take([arrival])
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - see _taken
            return self._intake.condemn(arrival, f"{type(error).__name__}: {error}")

    def _keep_letters_bounded(self) -> None:
        lost = len(self._letters) - LETTERS_HELD
        if lost > 0:
            self._counters.add("", "letters_dropped", "journal_unavailable", lost)
            del self._letters[:lost]

    def _keep_ours_bounded(self) -> None:
        size = 0
        for at in range(len(self._ours) - 1, -1, -1):
            size += len(self._ours[at].data)
            if size > self._max_bytes:
                for lost in self._ours[: at + 1]:
                    self._counters.add(lost.key.node, "blocks_dropped", "journal_unavailable")
                del self._ours[: at + 1]
                return


def _content_bytes(item: Item) -> int:
    if isinstance(item, Arrival | DeadLetter):
        return len(item.data)
    return VALUE_BYTES * len(item.names) if isinstance(item, Data) else 0
