"""Tells units that somebody looks, so that they send every second; the lease ends by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.sparkplug.datatypes import DataType
from orewatch.telemetry.node_metrics import WATCHED

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.live.roster import Roster
    from orewatch.sparkplug.actions import Action


class WatchLeases:
    """Leases of watched units; renewed at a third of their length."""

    def __init__(
        self,
        *,
        roster: Roster,
        lease_s: int,
        command: Callable[[str, str, str, int, DataType, int], tuple[Action, ...]],
        perform: Callable[[tuple[Action, ...]], bool],
    ) -> None:
        self._roster = roster
        self._lease_s = lease_s
        self._command = command
        self._perform = perform
        self._renew_ms: dict[str, int] = {}

    def renew(self, watched: set[str], now_ms: int) -> int:
        """Send what is due for the units in ``watched``; returns how many commands went out."""
        sent = 0
        for unit_id in [u for u in self._renew_ms if u not in watched]:
            del self._renew_ms[unit_id]
        for unit_id in watched:
            group = self._roster.group(unit_id)
            if group is None or now_ms < self._renew_ms.get(unit_id, now_ms):
                continue
            actions = self._command(group, unit_id, WATCHED, self._lease_s, DataType.INT64, now_ms)
            if self._perform(actions):
                sent += 1
                self._renew_ms[unit_id] = now_ms + self._lease_s * 1000 // 3
        return sent

    def forget(self) -> None:
        """Forget what was sent: after a lost link nobody knows whether it came."""
        self._renew_ms.clear()
