"""The stores: what is amiss with the InfluxDB that the collector writes and the service reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orewatch.doctor.finding import Finding, Level, failed, ok

if TYPE_CHECKING:
    from api.settings import ApiSettings
    from collector.settings import CollectorSettings

TIMEOUT_S: Final = 5.0
_MISSING: Final = "pip install 'orewatch[collector]'"
_LEVELS: Final = {True: Level.OK, False: Level.FAILED, None: Level.NOTE}


def check_written(settings: CollectorSettings) -> list[Finding]:
    """Look at the InfluxDB that the collector projects into."""
    area = "store, as the collector"
    assert settings.influx is not None  # noqa: S101 - the caller looked
    try:
        # Only here: an embedded deployment installs without httpx.
        from collector.influx import retention_of, server_of  # noqa: PLC0415
        from orewatch.storage.influx_check import check_influx  # noqa: PLC0415
    except ModuleNotFoundError as error:
        return [failed(area, "InfluxDB", f"{error.name} is not installed", _MISSING)]
    server = server_of(settings.influx, TIMEOUT_S)
    try:
        found = check_influx(server, retention_of(settings.retention))
    finally:
        server.close()
    return [Finding(area, one.name, _LEVELS[one.ok], one.detail, one.todo) for one in found]


def check_read(settings: ApiSettings) -> list[Finding]:
    """Ask the InfluxDB that the service reads history from what its pages ask."""
    area = "store, as the service"
    from orewatch.storage.query import StoreError  # noqa: PLC0415 - as above

    try:
        from api.stores import open_store  # noqa: PLC0415

        store = open_store(settings)
    except ModuleNotFoundError as error:
        return [failed(area, "InfluxDB", f"{error.name} is not installed", _MISSING)]
    try:
        assert store is not None  # noqa: S101 - influx_url is set
        store.latest("orewatch-doctor")
    except StoreError as error:
        remedy = "start it, or mend influx_url, influx_database and the token or account in the service's settings"
        return [failed(area, "history", str(error), remedy)]
    return [ok(area, "history", f"{settings.influx_url} answers")]
