"""Settings of ``orewatch dashboards deploy``: ``OREWATCH_DASHBOARDS_*``, secrets also as ``*_FILE``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

PREFIX = "OREWATCH_DASHBOARDS_"


class GrafanaSettings(BaseModel):
    """Where Grafana is: a service account's ``token``, or ``username`` and ``password``."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(default="http://127.0.0.1:3000", pattern=r"^https?://", description="Grafana's address")
    token: str | None = Field(default=None, description="of a service account")
    username: str | None = Field(default=None, description="instead of a token")
    password: str | None = Field(default=None, description="instead of a token")


class InfluxSettings(BaseModel):
    """Where InfluxDB is, as Grafana reaches it."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(default="http://127.0.0.1:8086", pattern=r"^https?://", description="as Grafana reaches it")
    database: str = Field(default="orewatch", min_length=1, description="database or bucket")
    token: str | None = Field(default=None, description="API token, 1.8 and later")
    username: str | None = Field(default=None, description="of a 1.x without tokens")
    password: str | None = Field(default=None, description="of a 1.x without tokens")


class DashboardsSettings(BaseModel):
    """Grafana, and the store it is to read."""

    model_config = ConfigDict(extra="forbid")

    grafana: GrafanaSettings = Field(default_factory=GrafanaSettings, description="where the boards go")
    influx: InfluxSettings = Field(default_factory=InfluxSettings, description="what the boards read")
