"""Which alerts the mirror owes, and when alerts stood: read from the book's own file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from api.alerting.book import AlertBook, AlertRecord
    from api.alerting.models import AlertKind

AT_ONCE: Final = 500
Stood = tuple[int, int | None]


class OwedAlert(NamedTuple):
    """An alert as it stands, and how many changes of it that is."""

    record: AlertRecord
    changes: int


class OwedAlerts:
    """Alerts to be mirrored. What changes while it is being written stays owed."""

    def __init__(self, *, book: AlertBook) -> None:
        self._book = book

    def count(self) -> int:
        """Return how many are owed."""
        return int(self._book.database.rows("SELECT count(*) AS n FROM unmirrored")[0]["n"])

    def some(self, units: Collection[str]) -> list[OwedAlert]:
        """Return the oldest owed alerts of these units, some hundred at most."""
        rows = self._book.database.rows(
            "SELECT o.alert, o.changes FROM unmirrored o CROSS JOIN alert a ON a.id = o.alert"
            " WHERE a.unit IN (SELECT value FROM json_each(?)) ORDER BY o.alert LIMIT ?",
            (orjson.dumps(list(units)).decode(), AT_ONCE),
        )
        return [OwedAlert(self._book.get(row["alert"]), row["changes"]) for row in rows]

    def settle(self, written: Iterable[OwedAlert]) -> None:
        """Forget what is written, unless it has changed since."""
        with self._book.database.transaction() as connection:
            connection.executemany(
                "DELETE FROM unmirrored WHERE alert = ? AND changes = ?", [(o.record.id, o.changes) for o in written]
            )

    def owe(self, *, standing: bool) -> None:
        """Owe every alert of the book, or every ``standing`` one: what it costs grows by the hour."""
        with self._book.database.transaction() as connection:
            connection.execute(
                "INSERT INTO unmirrored SELECT id, 1 FROM alert WHERE cleared_ms IS NULL OR NOT ?"
                " ON CONFLICT (alert) DO UPDATE SET changes = changes + 1",
                (standing,),
            )

    def stood(
        self, start_ms: int, end_ms: int, *, unit: str | None = None, kind: AlertKind | None = None
    ) -> dict[str, list[Stood]]:
        """Return, by unit, from when to when (None: still) alerts stood that touch ``[start_ms, end_ms)``.

        From their raising; of one ``kind``, from their onset.
        """
        began = "raised_ms" if kind is None else "onset_ms"
        which = {"unit": unit, "kind": kind}
        own = "".join(f" AND {column} = :{column}" for column, value in which.items() if value is not None)
        # In two, each found by an index of when it ended (hence the plus): the book has every alert of years.
        rows = self._book.database.rows(
            " UNION ALL ".join(
                f"SELECT unit, {began} AS began_ms, cleared_ms FROM alert WHERE +{began} < :end AND {over}{own}"
                for over in ("cleared_ms IS NULL", "cleared_ms > :start")
            ),
            which | {"start": start_ms, "end": end_ms},
        )
        found: dict[str, list[Stood]] = {}
        for row in rows:
            found.setdefault(row["unit"], []).append((row["began_ms"], row["cleared_ms"]))
        return found


def standing_at(spans: Iterable[Stood], at_ms: int) -> int:
    """Return how many alerts stood at an instant."""
    return sum(began_ms <= at_ms and (cleared_ms is None or cleared_ms > at_ms) for began_ms, cleared_ms in spans)
