"""The service's composition root.

::

    broker -> SessionLoop -> HostSession -> live/follow -> live/windows --1 Hz--> live/tick (plant.states)
                                                                                  |            |
    store, registry -> units/ (history, states, latest)      live/stream <- frames+            v
                                                                 |                       alerting/engine
                                                              viewers                          |
                                                                              alerting/database + outbox -> people
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.settings import ApiSettings
    from api.units.demo_controls import DemoControls
    from orewatch.plant.unit import Unit
    from orewatch.storage.query import HistoryStore
    from orewatch.storage.registry import Registry

log = logging.getLogger(__name__)


class Service:
    """Everything behind the pages and the HTTP contract, for one process.

    ``store`` and ``registry`` may be None (live only). ``now_ms`` is the clock of this composition root.
    Usable in-process: ``await service.start()``; ``create_app(service=service)``; ``await service.stop()``.
    """

    def __init__(
        self,
        *,
        settings: ApiSettings,
        store: HistoryStore | None,
        registry: Registry | None,
        now_ms: Callable[[], int],
        demo_controls: DemoControls | None = None,
    ) -> None:
        self.settings = settings
        self.store = store
        self.registry = registry
        self.now_ms = now_ms
        self.demo_controls = demo_controls

    async def replay_history(self, *, units: Sequence[Unit], start_ms: int, end_ms: int) -> None:
        """Run states and alerts over stored history, in event time, with the outbox muted. Before :meth:`start`.

        The classifier's and the rules' carry at ``end_ms`` is where the live tick goes on, without a break.
        """
        raise NotImplementedError

    async def start(self) -> None:
        """Open the alert database, follow the broker, start the tick and the outbox. Returns once ready."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop cleanly: carry persisted, viewers told, broker left."""
        raise NotImplementedError
