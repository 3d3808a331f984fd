"""The InfluxDB projection of this collector's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.health_thread import HealthThread
from orewatch.storage.health_points import TIMEOUT_S
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.levels import Retention

if TYPE_CHECKING:
    from collector.settings import InfluxSettings, RetentionSettings
    from collector.vital_signs import VitalSigns


def server_of(settings: InfluxSettings, timeout_s: float = 30.0) -> InfluxServer:
    """Return the InfluxDB that the settings name; the caller's to close."""
    target = InfluxTarget(
        url=settings.url,
        database=settings.bucket,
        org=settings.organisation,
        token=settings.token.get_secret_value() if settings.token else None,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        retention_policy=settings.retention_policy,
        timeout_s=timeout_s,
    )
    return InfluxServer(target=target)


def health_of(settings: InfluxSettings, signs: VitalSigns) -> HealthThread:
    """Return the thread that writes the collector's own points."""
    return HealthThread(server=server_of(settings, TIMEOUT_S), signs=signs)


def retention_of(settings: RetentionSettings) -> Retention:
    """Return how long the InfluxDB is to keep each level."""
    return Retention(raw_days=settings.raw_days, minutes_days=settings.minutes_days, hours_days=settings.hours_days)


def influx_of(settings: InfluxSettings, retention: RetentionSettings) -> tuple[InfluxServer, InfluxWriter]:
    """Return the InfluxDB that the settings name and the projection into it; both are the caller's to close."""
    server = server_of(settings)
    return server, InfluxWriter(server=server, retention=retention_of(retention))
