"""The InfluxDB projection of this collector's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_writer import InfluxWriter

if TYPE_CHECKING:
    from collector.settings import InfluxSettings


def influx_of(settings: InfluxSettings) -> tuple[InfluxServer, InfluxWriter]:
    """Return the InfluxDB that the settings name and the projection into it; both are the caller's to close."""
    target = InfluxTarget(
        url=settings.url,
        database=settings.bucket,
        org=settings.organisation,
        token=settings.token.get_secret_value() if settings.token else None,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        retention_policy=settings.retention_policy,
    )
    server = InfluxServer(target=target)
    return server, InfluxWriter(server=server)
