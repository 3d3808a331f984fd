"""The collector's settings: one TOML file, ``OREWATCH_COLLECTOR_*`` variables over it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

PREFIX = "OREWATCH_COLLECTOR_"
Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^+/#]+$")]


class Strict(BaseModel):
    """A misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerSettings(Strict):
    """Where the broker is. ``ca``, ``certificate``, ``key``: PEM files; ``tls`` alone trusts the system's CAs."""

    host: str = "127.0.0.1"
    port: int = Field(default=1883, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    tls: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    check_hostname: bool = True


class InfluxSettings(Strict):
    """The InfluxDB that the journal is projected into."""

    url: str = Field(pattern=r"^https?://")
    bucket: str = "orewatch"
    organisation: str = "orewatch"
    token: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    retention_policy: str | None = None


class CollectorSettings(Strict):
    """Settings of one collector process.

    ``groups``: the Sparkplug groups it follows, ["+"] for all (several collectors share a fleet by group).
    ``journal_days``: how long the journal keeps blocks that every projection has; None: for ever, and it must
    be None while ``embedded`` is on, because the journal is that store's history.
    """

    data_dir: Path = Path("data")
    host_id: Id = "orewatch"
    groups: list[str] = Field(default=["+"], min_length=1)
    broker: BrokerSettings = BrokerSettings()
    embedded: bool = True
    influx: InfluxSettings | None = None
    journal_days: float | None = Field(default=None, ge=0.01, le=36_500)
    record_plain: bool = True
    plain_seconds: float = Field(default=10.0, ge=0.1, le=300)
    queue_mb: float = Field(default=64, ge=1, le=4096)
    waiting_mb: float = Field(default=64, ge=1, le=4096)
    quarantine_kept: int = Field(default=10_000, ge=0)

    @model_validator(mode="after")
    def _history_is_kept(self) -> CollectorSettings:
        if self.journal_days is not None and self.embedded:
            raise ValueError("journal_days: the embedded store's history is the journal; set embedded = false first")
        if self.journal_days is not None and self.influx is None:
            raise ValueError("journal_days: without influx the journal is the only history; allowed: leave it out")
        return self

    @property
    def journal_path(self) -> Path:
        """The journal's file."""
        return self.data_dir / "journal.db"
