"""Units that the collector knows from its registry, before they speak to us."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orewatch.storage.database import DatabaseError

if TYPE_CHECKING:
    from api.live.roster import Roster
    from orewatch.plant.unit import Unit
    from orewatch.storage.registry import Registry

log = logging.getLogger(__name__)


class KnownUnits:
    """Looks into the registry; one that cannot be read is no reason to stop."""

    def __init__(self, *, registry: Registry | None, roster: Roster) -> None:
        self._registry = registry
        self._roster = roster
        self._revision = -1
        self.errors = 0

    def adopt(self) -> list[Unit]:
        """Take units into the roster that it does not know; returns them. What units say themselves goes first."""
        if self._registry is None:
            return []
        try:
            revision = self._registry.revision()
            return [] if revision == self._revision else self._adopt(self._registry, revision)
        except DatabaseError as error:
            self.errors += 1
            log.warning("the registry cannot be read: %s", error)
            return []

    def _adopt(self, registry: Registry, revision: int) -> list[Unit]:
        new = [unit for unit in registry.units() if unit.id not in self._roster]
        for unit in new:
            group = registry.group_of(unit.id)
            if group is not None:
                self._roster.set_group(unit.id, group)
            self._roster.describe(unit)
        self._revision = revision
        return new
