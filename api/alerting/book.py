"""The book of alerts: every episode once, what happened to it, and who did it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from api.alerting import lifecycle
from api.alerting.lifecycle import Happening, LifecycleError
from api.alerting.models import AlertKind, AlertState

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from api.alerting.database import AlertDatabase

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark."""

    at_ms: int
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """One episode as it is kept."""

    id: int = 0
    unit: str
    kind: AlertKind
    priority: str
    reason: str
    onset_ms: int
    raised_ms: int
    recorded_ms: int
    changed_ms: int
    state: AlertState = AlertState.UNACK
    machine: str | None = None
    signal: str | None = None
    figures: Mapping[str, float | str | None] = field(default_factory=dict)
    cleared_ms: int | None = None
    tonnes_lost: float | None = None
    historical: bool = False
    acknowledged_ms: int | None = None
    acknowledged_by: str | None = None
    shelved_until_ms: int | None = None
    notes: tuple[Note, ...] = ()

    @property
    def active(self) -> bool:
        """The condition still stands."""
        return self.cleared_ms is None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts to list; None and empty mean all. ``after`` is the (raised_ms, id) of the last one seen."""

    unit: str | None = None
    states: tuple[AlertState, ...] = ()
    active: bool | None = None
    kinds: tuple[AlertKind, ...] = ()
    since_ms: int | None = None
    after: tuple[int, int] | None = None


class UnknownAlertError(KeyError):
    """There is no alert of that number."""


class AlertBook:
    """Alerts in the database. Each method is one transaction, or part of the caller's."""

    def __init__(self, *, database: AlertDatabase) -> None:
        self.database = database

    def raise_alert(self, record: AlertRecord) -> int | None:
        """Write a new episode; None where this episode, or one still standing, is in the book already."""
        with self.database.transaction() as connection:
            # After a crash the same episode may be found again with an onset some seconds off.
            known = connection.execute(
                "SELECT 1 FROM alert WHERE unit = ? AND kind = ? AND onset_ms < ?"
                " AND (cleared_ms IS NULL OR cleared_ms > ?)",
                (record.unit, record.kind.value, record.raised_ms, record.onset_ms),
            ).fetchone()
            if known is not None:
                return None
            cursor = connection.execute(
                "INSERT INTO alert (unit, kind, episode, machine, signal, priority, state, reason, figures, onset_ms,"
                " raised_ms, recorded_ms, changed_ms, historical, cleared_ms, tonnes_lost)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                " ON CONFLICT DO NOTHING",
                (
                    record.unit,
                    record.kind.value,
                    record.onset_ms,
                    record.machine,
                    record.signal,
                    record.priority,
                    record.state.value,
                    record.reason,
                    orjson.dumps(dict(record.figures)).decode(),
                    record.onset_ms,
                    record.raised_ms,
                    record.recorded_ms,
                    record.changed_ms,
                    record.historical,
                    record.cleared_ms,
                    record.tonnes_lost,
                ),
            )
            return cursor.lastrowid if cursor.rowcount == 1 else None

    def clear(
        self,
        unit: str,
        kind: AlertKind,
        *,
        cleared_ms: int,
        tonnes_lost: float | None,
        now_ms: int,
        in_history: bool = False,
    ) -> AlertRecord | None:
        """End the standing alert of ``unit`` and ``kind``; None where none stands.

        ``in_history``: its end was found in the past. Nobody has to acknowledge it then, unless it was told to people.
        """
        with self.database.transaction() as connection:
            row = connection.execute(
                "SELECT id, state, onset_ms, historical FROM alert WHERE unit = ? AND kind = ? AND cleared_ms IS NULL",
                (unit, kind.value),
            ).fetchone()
            if row is None:
                return None
            quietly = in_history and row["historical"]
            state = AlertState.NORM if quietly else lifecycle.after(AlertState(row["state"]), Happening.CLEAR)
            connection.execute(
                "UPDATE alert SET state = ?, cleared_ms = ?, tonnes_lost = ?, changed_ms = ? WHERE id = ?",
                (state.value, max(cleared_ms, row["onset_ms"]), tonnes_lost, now_ms, row["id"]),
            )
            return self.get(row["id"])

    def acknowledge(self, alert: int, *, by: str, note: str | None, now_ms: int) -> AlertRecord:
        """Acknowledge; a second time changes nothing. :class:`LifecycleError` where it cannot be."""
        with self.database.transaction() as connection:
            record = self.get(alert)
            if record.acknowledged_ms is None:
                state = lifecycle.after(record.state, Happening.ACKNOWLEDGE)
                connection.execute(
                    "UPDATE alert SET state = ?, acknowledged_ms = ?, acknowledged_by = ?, changed_ms = ? WHERE id = ?",
                    (state.value, now_ms, by, now_ms, alert),
                )
            if note:
                self._note(connection, alert, now_ms, by, note)
            return self.get(alert)

    def comment(self, alert: int, *, by: str, text: str, now_ms: int) -> AlertRecord:
        """Add a remark."""
        with self.database.transaction() as connection:
            self.get(alert)
            self._note(connection, alert, now_ms, by, text)
            connection.execute("UPDATE alert SET changed_ms = ? WHERE id = ?", (now_ms, alert))
            return self.get(alert)

    def shelve(self, alert: int, *, by: str, minutes: int, reason: str, now_ms: int) -> AlertRecord:
        """Silence for ``minutes``."""
        with self.database.transaction() as connection:
            state = lifecycle.after(self.get(alert).state, Happening.SHELVE)
            connection.execute(
                "UPDATE alert SET state = ?, shelved_until_ms = ?, changed_ms = ? WHERE id = ?",
                (state.value, now_ms + minutes * MINUTE_MS, now_ms, alert),
            )
            self._note(connection, alert, now_ms, by, f"shelved for {minutes} min: {reason}")
            return self.get(alert)

    def unshelve(self, alert: int, *, by: str, now_ms: int) -> AlertRecord:
        """End the shelving: back to UNACK where the condition stands, to NORM where it is over."""
        with self.database.transaction() as connection:
            record = self.get(alert)
            if record.state is not AlertState.SHLVD:
                raise LifecycleError(f"unshelve: not possible in state {record.state.value}; allowed: SHLVD")
            happening = Happening.RELEASE_ACTIVE if record.active else Happening.RELEASE_INACTIVE
            connection.execute(
                "UPDATE alert SET state = ?, shelved_until_ms = NULL, acknowledged_ms = NULL, acknowledged_by = NULL,"
                " changed_ms = ? WHERE id = ?",
                (lifecycle.after(record.state, happening).value, now_ms, alert),
            )
            self._note(connection, alert, now_ms, by, "unshelved")
            return self.get(alert)

    def release_due(self, now_ms: int) -> list[AlertRecord]:
        """Unshelve what was shelved until now."""
        rows = self.database.rows("SELECT id FROM alert WHERE state = 'SHLVD' AND shelved_until_ms <= ?", (now_ms,))
        return [self.unshelve(row["id"], by="orewatch", now_ms=now_ms) for row in rows]

    def standing(self) -> list[AlertRecord]:
        """Return every alert whose condition still stands."""
        return self._records(self.database.rows("SELECT * FROM alert WHERE cleared_ms IS NULL ORDER BY id"))

    def spans(self, unit: str, kind: AlertKind, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """Return when the conditions of a kind held, from onset to clearing, cut to ``[start_ms, end_ms)``."""
        rows = self.database.rows(
            "SELECT onset_ms, cleared_ms FROM alert WHERE unit = ? AND kind = ? AND onset_ms < ?"
            " AND (cleared_ms IS NULL OR cleared_ms > ?) ORDER BY onset_ms",
            (unit, kind.value, end_ms, start_ms),
        )
        return [
            (max(row["onset_ms"], start_ms), end_ms if row["cleared_ms"] is None else min(row["cleared_ms"], end_ms))
            for row in rows
        ]

    def get(self, alert: int) -> AlertRecord:
        """Return one alert; :class:`UnknownAlertError`."""
        rows = self.database.rows("SELECT * FROM alert WHERE id = ?", (alert,))
        if not rows:
            raise UnknownAlertError(alert)
        return self._records(rows)[0]

    def select(self, wanted: AlertFilter, limit: int) -> list[AlertRecord]:
        """Return up to ``limit`` alerts, newest first."""
        where, values = ["1"], list[Any]()
        if wanted.unit is not None:
            where.append("unit = ?")
            values.append(wanted.unit)
        for column, allowed in (("state", wanted.states), ("kind", wanted.kinds)):
            if allowed:
                where.append(f"{column} IN ({','.join('?' * len(allowed))})")
                values += [v.value for v in allowed]
        if wanted.active is not None:
            where.append("cleared_ms IS NULL" if wanted.active else "cleared_ms IS NOT NULL")
        if wanted.since_ms is not None:
            where.append("(raised_ms >= ? OR cleared_ms >= ? OR cleared_ms IS NULL)")
            values += [wanted.since_ms, wanted.since_ms]
        if wanted.after is not None:
            where.append("(raised_ms, id) < (?, ?)")
            values += wanted.after
        return self._records(
            self.database.rows(
                f"SELECT * FROM alert WHERE {' AND '.join(where)} ORDER BY raised_ms DESC, id DESC LIMIT ?",
                (*values, limit),
            )
        )

    @staticmethod
    def _note(connection: sqlite3.Connection, alert: int, now_ms: int, by: str, text: str) -> None:
        connection.execute("INSERT INTO note (alert, at_ms, by, text) VALUES (?,?,?,?)", (alert, now_ms, by, text))

    def _records(self, rows: Sequence[sqlite3.Row]) -> list[AlertRecord]:
        notes: dict[int, list[Note]] = {}
        ids = [row["id"] for row in rows]
        for row in self.database.rows(
            f"SELECT alert, at_ms, by, text FROM note WHERE alert IN ({','.join('?' * len(ids))}) ORDER BY id", ids
        ):
            notes.setdefault(row["alert"], []).append(Note(at_ms=row["at_ms"], by=row["by"], text=row["text"]))
        return [_record(row, tuple(notes.get(row["id"], ()))) for row in rows]


def _record(row: sqlite3.Row, notes: tuple[Note, ...]) -> AlertRecord:
    return AlertRecord(
        id=row["id"],
        unit=row["unit"],
        kind=AlertKind(row["kind"]),
        priority=row["priority"],
        reason=row["reason"],
        onset_ms=row["onset_ms"],
        raised_ms=row["raised_ms"],
        recorded_ms=row["recorded_ms"],
        changed_ms=row["changed_ms"],
        state=AlertState(row["state"]),
        machine=row["machine"],
        signal=row["signal"],
        figures=orjson.loads(row["figures"]),
        cleared_ms=row["cleared_ms"],
        tonnes_lost=row["tonnes_lost"],
        historical=bool(row["historical"]),
        acknowledged_ms=row["acknowledged_ms"],
        acknowledged_by=row["acknowledged_by"],
        shelved_until_ms=row["shelved_until_ms"],
        notes=notes,
    )
