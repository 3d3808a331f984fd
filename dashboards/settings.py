"""Settings of ``orewatch dashboards deploy``: ``OREWATCH_DASHBOARDS_*``, secrets also as ``*_FILE``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

PREFIX = "OREWATCH_DASHBOARDS_"


class GrafanaSettings(BaseModel):
    """Where Grafana is: a service account's ``token``, or ``username`` and ``password``."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(default="http://127.0.0.1:3000", pattern=r"^https?://")
    token: str | None = None
    username: str | None = None
    password: str | None = None


class InfluxSettings(BaseModel):
    """Where InfluxDB is, as Grafana reaches it."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(default="http://127.0.0.1:8086", pattern=r"^https?://")
    database: str = Field(default="orewatch", min_length=1)
    token: str | None = None
    username: str | None = None
    password: str | None = None


class DashboardsSettings(BaseModel):
    """Grafana, and the store it is to read."""

    model_config = ConfigDict(extra="forbid")

    grafana: GrafanaSettings = Field(default_factory=GrafanaSettings)
    influx: InfluxSettings = Field(default_factory=InfluxSettings)
