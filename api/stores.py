"""The store and the registry that the settings name; where they cannot be opened, the service goes on without."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from orewatch.storage.database import DatabaseError
from orewatch.storage.query import StoreError
from orewatch.storage.registry import Registry
from orewatch.storage.sqlite import EmbeddedStore

if TYPE_CHECKING:
    from api.mirror.target import Target
    from api.settings import ApiSettings
    from orewatch.storage.health_points import HealthPoints
    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.query import HistoryStore

log = logging.getLogger(__name__)


def open_registry(settings: ApiSettings) -> Registry | None:
    """Return the collector's registry, or None where its file cannot be opened."""
    try:
        return Registry.open(settings.journal_path)
    except DatabaseError as error:
        log.warning("no registry, units are known once they speak: %s", error)
        return None


def open_store(settings: ApiSettings) -> HistoryStore | None:
    """Return the history store: InfluxDB where one is named, otherwise the collector's journal."""
    if settings.influx_url is not None:
        from orewatch.storage.influx_store import InfluxStore  # noqa: PLC0415 - httpx costs start-up time

        return InfluxStore(server=_server(settings, settings.influx_url))
    try:
        return EmbeddedStore.open(settings.journal_path)
    except StoreError as error:
        log.warning("no history store, live values and alerts only: %s", error)
        return None


def open_target(settings: ApiSettings) -> Target | None:
    """Return where states and alerts are written for boards; None where no InfluxDB is named, or it is not wanted."""
    if settings.influx_url is None or not settings.influx_write:
        return None
    from api.mirror.target import Target  # noqa: PLC0415 - httpx and influxdb-client cost start-up time

    return Target.open(_server(settings, settings.influx_url), settings.journal_path)


def open_health(settings: ApiSettings) -> HealthPoints | None:
    """Return the writer of the service's own points; None where no InfluxDB is named, or writing is not wanted."""
    if settings.influx_url is None or not settings.influx_write:
        return None
    from orewatch.storage.health_points import TIMEOUT_S, HealthPoints  # noqa: PLC0415 - httpx costs start-up time

    return HealthPoints(server=_server(settings, settings.influx_url, TIMEOUT_S), process="api")


def _server(settings: ApiSettings, url: str, timeout_s: float = 30.0) -> InfluxServer:
    from orewatch.storage.influx import InfluxServer, InfluxTarget  # noqa: PLC0415 - the same

    token, password = settings.influx_token, settings.influx_password
    target = InfluxTarget(
        url=url,
        database=settings.influx_database,
        token=None if token is None else token.get_secret_value(),
        username=settings.influx_username,
        password=None if password is None else password.get_secret_value(),
        timeout_s=timeout_s,
    )
    return InfluxServer(target=target)
