"""The service's settings: one TOML file, and ``OREWATCH_API_*`` variables over it."""

from __future__ import annotations

import ipaddress
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from orewatch.settings import HttpAddress  # noqa: TC001 - pydantic reads the annotations


class BrokerSettings(BaseModel):
    """Where the messages come from."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(default="127.0.0.1", description="the broker")
    port: int = Field(default=1883, ge=1, le=65535, description="its port")
    username: str | None = Field(default=None, description="MQTT user name")
    password: SecretStr | None = Field(default=None, description="MQTT password")
    tls: bool = Field(default=False, description="connect with TLS")
    ca_file: Path | None = Field(
        default=None, description="authority that signed the broker's certificate, PEM; default: the system's"
    )
    cert_file: Path | None = Field(default=None, description="own certificate, PEM; needs tls")
    key_file: Path | None = Field(default=None, description="its key, PEM")
    client_id: str = Field(default="orewatch-api", description="MQTT client id; each service its own")

    @model_validator(mode="after")
    def _files_are_used(self) -> Self:
        named = [name for name in ("ca_file", "cert_file", "key_file") if getattr(self, name) is not None]
        if named and not self.tls:
            raise ValueError(f"{', '.join(named)}: without tls the link is plain; set tls = true or leave them out")
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file: without cert_file it belongs to nothing; set cert_file too")
        return self


class ApiSettings(BaseModel):
    """Everything the service can be told. Beyond loopback a token is mandatory."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(default="127.0.0.1", description="address to listen on; anything but loopback needs token")
    port: int = Field(default=8080, ge=0, le=65535, description="port to listen on; 0: any free one")
    token: SecretStr | None = Field(default=None, description="what callers must show; 16 characters or more")
    data_dir: Path = Field(description="folder of the service's own files: alerts, memory")
    journal: Path | None = Field(default=None, description="the collector's journal; default: journal.db in data_dir")
    influx_url: HttpAddress | None = Field(
        default=None, description="history from this InfluxDB; left out: from the journal"
    )
    influx_database: str = Field(default="orewatch", description="database or bucket")
    influx_token: SecretStr | None = Field(default=None, description="API token")
    influx_username: str | None = Field(default=None, description="for an InfluxDB 1.x with accounts")
    influx_password: SecretStr | None = Field(default=None, description="the account's password")
    influx_write: bool = Field(
        default=True, description="write states and alerts into that InfluxDB for boards; the account may write then"
    )
    influx_raw_days: float = Field(
        default=30.0, ge=1, le=36_500, description="how long it keeps raw scans: older hours are not computed anew"
    )
    broker: BrokerSettings = Field(default=BrokerSettings(), description="where the messages come from")
    groups: tuple[str, ...] = Field(default=("+",), description="Sparkplug groups to follow; `+` is all")
    language: str = Field(default="en", pattern="^(en|fa|both)$", description="of messages to people")
    notify: tuple[SecretStr, ...] = Field(default=(), description="Apprise URLs to send alerts to; they carry secrets")
    notify_min_priority: str = Field(
        default="low", pattern="^(low|medium|high)$", description="alerts below it are not sent"
    )
    base_url: str | None = Field(default=None, description="the address that messages link to")
    production_day_start_h: float = Field(
        default=7.0, ge=0, lt=24, description="hour at which the production day begins, Tehran time"
    )
    shifts: int = Field(default=2, ge=1, le=3, description="shifts in a production day")
    idle_after_s: float = Field(
        default=300.0, ge=300, description="idle or starved seconds before the alert; states need 300 s"
    )
    not_producing_after_h: float = Field(
        default=8.0, gt=0, description="scheduled hours without a tonne before the alert"
    )
    watch_lease_s: int = Field(
        default=60, ge=10, le=3600, description="how long a unit sends every second after a page asked"
    )
    max_viewers: int = Field(default=600, ge=1, description="open live streams; more are refused with 503")

    @property
    def journal_path(self) -> Path:
        """The collector's journal."""
        return self.journal or self.data_dir / "journal.db"

    @field_validator("notify", "groups", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        # From a variable or a secret file it comes as one text.
        return tuple(value.split()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _beyond_loopback_needs_a_token(self) -> Self:
        if self.token is not None and len(self.token.get_secret_value()) < 16:  # noqa: PLR2004 - documented above
            raise ValueError("token: too short; allowed: 16 characters or more")
        if self.token is None and not is_loopback(self.host):
            msg = f"host: {self.host!r} is reachable from elsewhere, and token is not set; set a token or use 127.0.0.1"
            raise ValueError(msg)
        return self


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach ``host``. Names other than localhost count as reachable."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
