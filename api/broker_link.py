"""The link to the broker: an observer's host session, kept connected, and the commands that watching needs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from api.live.lease import WatchLeases
from orewatch.sparkplug.client import MqttClient, TlsSettings
from orewatch.sparkplug.host import HostSession
from orewatch.sparkplug.session_loop import SessionLoop

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.live.roster import Roster
    from api.settings import ApiSettings
    from orewatch.sparkplug.actions import Action, Event
    from orewatch.sparkplug.datatypes import DataType

log = logging.getLogger(__name__)


class BrokerLink:
    """Follows the broker without announcing itself: it is no host whose absence units should mind."""

    def __init__(
        self,
        *,
        settings: ApiSettings,
        roster: Roster,
        now_ms: Callable[[], int],
        on_event: Callable[[Event], None],
    ) -> None:
        self._settings = settings.broker
        self._now_ms = now_ms
        self._session = HostSession(host=settings.broker.client_id, groups=settings.groups, announce=False)
        self._loop = SessionLoop(
            make_client=self._make_client,
            session=self._session,
            on_event=on_event,
            now_ms=now_ms,
            on_link=self._on_link,
            back_off_s=(0.5, 15.0),
        )
        self._leases = WatchLeases(
            roster=roster, lease_s=settings.watch_lease_s, command=self._command, perform=self._loop.perform
        )

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._loop.connected

    def renew_leases(self, watched: set[str]) -> None:
        """Tell units that somebody looks at them, where that is due."""
        if self.connected:
            self._leases.renew(watched, self._now_ms())

    async def run(self) -> None:
        """Follow until stopped."""
        await self._loop.run()

    async def stop(self) -> None:
        """Leave."""
        await self._loop.stop()

    def _command(
        self, group: str, node: str, name: str, value: int, datatype: DataType, now_ms: int
    ) -> tuple[Action, ...]:
        return self._session.command(group, node, None, name, value, datatype, now_ms)

    def _make_client(self, on_message: Callable[[str, bytes], None]) -> MqttClient:
        broker = self._settings
        tls = TlsSettings(ca=broker.ca_file, certificate=broker.cert_file, key=broker.key_file)
        return MqttClient(
            host=broker.host,
            port=broker.port,
            client_id=broker.client_id,
            on_message=on_message,
            username=broker.username,
            password=None if broker.password is None else broker.password.get_secret_value(),
            tls=tls if broker.tls else None,
        )

    def _on_link(self, up: bool) -> None:
        log.info("broker link %s", "up" if up else "lost")
        self._leases.forget()
