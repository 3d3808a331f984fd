"""The two lanes of one uplink, as decisions only: what of the present is worth showing, which blocks to send now.

Times named ``at_ms`` are milliseconds of a clock that is never set; scans keep the edge's wall time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from orewatch.plant.catalogue import SignalKind
from orewatch.sparkplug.edge_node import Reading
from orewatch.telemetry.scan import SPARKPLUG_QUALITY, Quality, physical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge_agent.spool import SpooledBlock
    from orewatch.plant.catalogue import Signal
    from orewatch.plant.unit import Unit
    from orewatch.telemetry.scan import Scans
    from orewatch.telemetry.schema import Schema

REST_MS: Final = 30_000
"""At rest, what does not decide the unit's state is sent at most this often."""
MAX_LEASE_S: Final = 600
"""A viewer renews; one that vanished must not cost traffic for hours."""
LONGEST_RESEND_MS: Final = 300_000


@dataclass(slots=True)
class _Shown:
    """One signal as the other side last saw it."""

    signal: Signal
    value: float | None = None
    quality: int = -1
    at_ms: int = 0


class LiveLane:
    """Chooses which of the newest values to send: by exception, and in one of two profiles.

    Watched: whatever changed. At rest: signals that decide the unit's state as soon as they leave
    their deadband, all others at most every 30 s; either way each at least at its maximum silence.
    """

    def __init__(self, *, unit: Unit, schema: Schema) -> None:
        self._schema = schema
        self._shown = [[_Shown(unit.machines[g.machine].signals[c.name]) for c in g.columns] for g in schema.groups]
        self._watched_until_ms = 0

    def watch(self, seconds: int, at_ms: int) -> None:
        """Someone looks, for so many seconds (at most :data:`MAX_LEASE_S`); 0 or less: no longer."""
        self._watched_until_ms = at_ms + 1000 * max(0, min(seconds, MAX_LEASE_S))

    def watched(self, at_ms: int) -> bool:
        """Whether someone looks."""
        return at_ms < self._watched_until_ms

    def seconds_left(self, at_ms: int) -> int:
        """Return what is left of the lease."""
        return max(0, self._watched_until_ms - at_ms) // 1000

    def choose(self, scans: Sequence[Scans], at_ms: int) -> tuple[dict[str, list[Reading]], dict[str, list[Reading]]]:
        """Return the readings to send, by machine, and the others, which only births will tell."""
        watched = self.watched(at_ms)
        send: dict[str, list[Reading]] = {}
        keep: dict[str, list[Reading]] = {}
        for scan in scans:
            group = self._schema.groups[scan.group]
            values = physical(group, scan.steps[-1:])[0].tolist()
            quality = [0] * len(values) if scan.quality is None else scan.quality[-1].tolist()
            time_ms = int(scan.time_ms[-1])
            for shown, value, q in zip(self._shown[scan.group], values, quality, strict=True):
                if q == Quality.ABSENT:
                    continue
                reading = _reading(shown.signal, value if q == Quality.GOOD else None, q, time_ms)
                if _worth_sending(shown, value, q, watched, at_ms):
                    shown.value, shown.quality, shown.at_ms = value, q, at_ms
                    send.setdefault(group.machine, []).append(reading)
                else:
                    keep.setdefault(group.machine, []).append(reading)
        return send, keep

    def forget(self) -> None:
        """Nothing is known of what the other side saw: everything is new to it."""
        for group in self._shown:
            for shown in group:
                shown.quality = -1


def _reading(signal: Signal, value: float | None, quality: int, time_ms: int) -> Reading:
    out = None if value is None else bool(value) if signal.kind is SignalKind.DIGITAL else value
    return Reading(signal.name, out, time_ms, SPARKPLUG_QUALITY[Quality(quality)])


def _worth_sending(shown: _Shown, value: float, quality: int, watched: bool, at_ms: int) -> bool:
    if shown.quality != quality:
        return True
    signal = shown.signal
    silent_ms = at_ms - shown.at_ms
    if silent_ms >= signal.max_silence_s * 1000:
        return True
    if quality != Quality.GOOD or shown.value is None or value == shown.value:
        return False
    if watched:
        return True
    if signal.kind is not SignalKind.DIGITAL and abs(value - shown.value) <= signal.deadband:
        return False
    # A totaliser always changes: it waits its turn even where the state depends on it.
    at_once = signal.decides and signal.kind is not SignalKind.TOTALISER
    return at_once or silent_ms >= REST_MS


class RecordLane:
    """Chooses which spooled blocks to send: oldest first, a small window in flight, at a bounded rate.

    What is not acknowledged in time is sent again. While nothing at all is acknowledged the window
    shrinks to one block and the wait doubles: a collector that is down costs a thin link little.
    """

    def __init__(self, *, window: int, resend_ms: int, bytes_per_s: float) -> None:
        self._window = self._open = window
        self._resend_ms = self._timeout_ms = resend_ms
        self._rate = bytes_per_s
        self._allowance = bytes_per_s
        self._filled_at_ms: int | None = None
        self._acknowledged_at_ms = 0
        self._in_flight: dict[int, int] = {}
        self._after = 0
        self.resent = 0

    @property
    def in_flight(self) -> int:
        """How many blocks are sent and not acknowledged."""
        return len(self._in_flight)

    def reconnected(self) -> None:
        """The link is new: whatever was in flight may be lost, and whoever was silent may be there again."""
        self.resent += len(self._in_flight)
        self._in_flight.clear()
        self._after = 0
        self._open, self._timeout_ms = self._window, self._resend_ms

    def acknowledged(self, ranges: Iterable[tuple[int, int]], at_ms: int) -> None:
        """Take acknowledged numbers out of flight, and widen the window again: somebody is there."""
        spans = list(ranges)
        for number in [n for n in self._in_flight if any(a <= n <= b for a, b in spans)]:
            del self._in_flight[number]
        if spans:
            self._acknowledged_at_ms = at_ms
            self._timeout_ms = self._resend_ms
            self._open = min(self._window, max(2, self._open * 2))

    def wanted(self, at_ms: int) -> tuple[int, int] | None:
        """Return what to ask the spool for, (after, limit); None where nothing may be sent now."""
        self._expire(at_ms)
        self._refill(at_ms)
        room = self._open - len(self._in_flight)
        return (self._after, room + len(self._in_flight)) if room > 0 and self._allowance > 0 else None

    def take(self, blocks: Iterable[SpooledBlock], at_ms: int) -> list[SpooledBlock]:
        """Return those of ``blocks`` to send now; they count as in flight."""
        out: list[SpooledBlock] = []
        for block in blocks:
            if len(self._in_flight) >= self._open or self._allowance <= 0:
                break
            self._after = block.number
            if block.number not in self._in_flight:
                self._in_flight[block.number] = at_ms
                self._allowance -= len(block.data) if self._rate else 0
                out.append(block)
        return out

    def not_sent(self, numbers: Iterable[int]) -> None:
        """Take back blocks that could not be handed to the client."""
        for number in numbers:
            self._in_flight.pop(number, None)
            self._after = min(self._after, number - 1)

    def again(self, number: int) -> None:
        """Look again from ``number`` on: older blocks have come back to be sent."""
        self._after = min(self._after, number - 1)

    def _expire(self, at_ms: int) -> None:
        late = [n for n, sent in self._in_flight.items() if at_ms - sent >= self._timeout_ms]
        if not late:
            return
        first_sent = min(self._in_flight[n] for n in late)
        if self._acknowledged_at_ms < first_sent:
            self._open = 1
            self._timeout_ms = min(LONGEST_RESEND_MS, self._timeout_ms * 2)
            late = list(self._in_flight)
        self.resent += len(late)
        self.not_sent(late)

    def _refill(self, at_ms: int) -> None:
        if not self._rate:
            self._allowance = 1.0
            return
        passed = at_ms - (at_ms if self._filled_at_ms is None else self._filled_at_ms)
        self._filled_at_ms = at_ms
        self._allowance = min(self._rate, self._allowance + self._rate * passed / 1000)
