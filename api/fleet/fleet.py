"""What the fleet's answers stand on, put together from the service's parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.fleet.changes import Changes
from api.fleet.months import Months
from api.fleet.unknown import UnknownHours

if TYPE_CHECKING:
    from api.live.judge import Judge
    from api.live.tally import Tally
    from api.service import Service


class Fleet:
    """Months, unknown hours and the picture of changes; the service's judge and frames are looked up when needed."""

    def __init__(self, *, service: Service) -> None:
        self._service = service
        self.months = Months(
            store=service.store,
            roster=service.roster,
            day=service.day,
            tally_of=self._tally,
            now_ms=service.now_ms,
            inputs=service.inputs.in_force.of,
        )
        self.unknown = UnknownHours(judge=self._judge, day_start_ms=service.day.start_ms)
        self.changes = Changes(
            roster=service.roster,
            stream=service.stream,
            frames=lambda: service.frames,
            alerts=service.engine.standing.now,
            month_of=service.day.month,
        )

    def count_again(self, unit_id: str) -> None:
        """A unit's history is not what it was: count its day and its month again."""
        self._service.recounts.ask([unit_id])
        self.months.ask([unit_id])

    def _judge(self) -> Judge:
        return self._service.judge

    def _tally(self, unit_id: str) -> Tally | None:
        judge = self._judge()
        number = judge.number(unit_id)
        return None if number is None else judge.tallies[number]
