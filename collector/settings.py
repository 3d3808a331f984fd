"""The collector's settings: one TOML file, ``OREWATCH_COLLECTOR_*`` variables over it."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from orewatch.settings import HttpAddress, read_settings
from orewatch.storage.retention import Levels

DAY_MS = 86_400_000

PREFIX = "OREWATCH_COLLECTOR_"
Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^+/#]+$")]


class Strict(BaseModel):
    """A misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerSettings(Strict):
    """Where the broker is. ``ca``, ``certificate``, ``key``: PEM files; ``tls`` alone trusts the system's CAs."""

    host: str = Field(default="127.0.0.1", description="the broker")
    port: int = Field(default=1883, ge=1, le=65535, description="its port")
    username: str | None = Field(default=None, description="MQTT user name")
    password: SecretStr | None = Field(default=None, description="MQTT password")
    tls: bool = Field(default=False, description="connect with TLS; alone it trusts the system's authorities")
    ca: Path | None = Field(
        default=None, description="authority that signed the broker's certificate, PEM; implies TLS"
    )
    certificate: Path | None = Field(default=None, description="own certificate, PEM; implies TLS")
    key: Path | None = Field(default=None, description="its key, PEM")
    check_hostname: bool = Field(default=True, description="the certificate must name the host")


class InfluxSettings(Strict):
    """The InfluxDB that the journal is projected into."""

    url: HttpAddress = Field(pattern=r"^https?://", description="such as http://influxdb:8086")
    bucket: str = Field(default="orewatch", description="bucket, or database of a 1.x")
    organisation: str = Field(default="orewatch", description="organisation of a 2.x")
    token: SecretStr | None = Field(default=None, description="API token, 1.8 and later")
    username: str | None = Field(default=None, description="of a 1.x without tokens")
    password: SecretStr | None = Field(default=None, description="of a 1.x without tokens")
    retention_policy: str | None = Field(default=None, description="of a 1.x; default: the database's own")


class RetentionSettings(Strict):
    """How long history is kept, by the time at which it was scanned; the coarser, the longer."""

    raw_days: float = Field(default=30, ge=2, le=36_500, description="days of every scan")
    minutes_days: float = Field(default=365, ge=2, le=36_500, description="days of windows of one minute")
    hours_days: float = Field(default=3650, ge=2, le=36_500, description="days of windows of one hour")

    @model_validator(mode="after")
    def _the_coarser_the_longer(self) -> RetentionSettings:
        levels = ("raw_days", "minutes_days", "hours_days")
        for finer, coarser in pairwise(levels):
            least, value = getattr(self, finer), getattr(self, coarser)
            if value < least:
                raise ValueError(f"{coarser} = {value:g}: shorter than {finer}; allowed: {least:g} or more")
        return self


class CollectorSettings(Strict):
    """Settings of one collector process.

    ``groups``: the Sparkplug groups it follows, ["+"] for all (several collectors share a fleet by group).
    ``journal_days``: of how many days the journal keeps the scans that InfluxDB has; None: as ``retention`` says. It
    must be None while ``embedded`` is on, because the journal is that store's raw level.
    """

    data_dir: Path = Field(default=Path("data"), description="folder of the journal and the rollups")
    host_id: Id = Field(default="orewatch", description="Sparkplug host id; units name it as `collector`")
    groups: list[str] = Field(default=["+"], min_length=1, description="Sparkplug groups to follow; `+` is all")
    broker: BrokerSettings = Field(default=BrokerSettings(), description="where the messages come from")
    embedded: bool = Field(default=True, description="keep the embedded store, whose history is the journal")
    influx: InfluxSettings | None = Field(default=None, description="project into this InfluxDB too; left out: none")
    retention: RetentionSettings = Field(default=RetentionSettings(), description="how long history is kept")
    journal_days: float | None = Field(
        default=None,
        ge=0.01,
        le=36_500,
        description="days of scans kept in the journal too, once InfluxDB has them; left out: retention.raw_days;"
        " only with embedded = false",
    )
    reorder_s: float = Field(
        default=2.0,
        ge=0,
        le=60,
        description="a missing Sparkplug message is waited for so long before its node is asked for a rebirth",
    )
    record_plain: bool = Field(default=True, description="record nodes that send no blocks from their ordinary metrics")
    plain_seconds: float = Field(
        default=10.0, ge=0.1, le=300, description="their readings become a block after so long"
    )
    queue_mb: float = Field(
        default=64,
        ge=1,
        le=4096,
        description="messages waiting for the journal, MiB; beyond it dropped, counted, and sent again by units",
    )
    waiting_mb: float = Field(default=64, ge=1, le=4096, description="blocks held until their schema is known, MiB")
    quarantine_kept: int = Field(
        default=10_000,
        ge=0,
        description="quarantined and waiting letters; beyond it such blocks are refused and stay at the edge",
    )

    @model_validator(mode="after")
    def _history_is_kept(self) -> CollectorSettings:
        if self.journal_days is not None and self.embedded:
            raise ValueError(
                f"journal_days = {self.journal_days:g}: the journal is the embedded store's raw level;"
                " allowed: retention.raw_days instead, or embedded = false"
            )
        if self.journal_days is not None and self.influx is None:
            raise ValueError("journal_days: without influx the journal is the only history; allowed: leave it out")
        return self

    @property
    def levels(self) -> Levels:
        """What is kept here, and how long."""
        kept, raw_days = self.retention, self.journal_days
        return Levels(
            raw_ms=int((kept.raw_days if raw_days is None else raw_days) * DAY_MS),
            minutes_ms=int(kept.minutes_days * DAY_MS),
            hours_ms=int(kept.hours_days * DAY_MS),
        )

    @property
    def journal_path(self) -> Path:
        """The journal's file."""
        return self.data_dir / "journal.db"


def collector_settings(file: Path | None) -> CollectorSettings:
    """Return the settings of a file and of the environment; :class:`~orewatch.settings.SettingsError`."""
    return read_settings(CollectorSettings, file=file, prefix=PREFIX, environ=os.environ)
