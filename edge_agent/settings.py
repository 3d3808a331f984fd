"""The agent's settings: one TOML file per unit, checked wholly before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, field_validator, model_validator

from edge_agent.sources.settings import ModbusSettings, RegisterSettings, ReplayColumn, ReplaySettings, Strict
from orewatch.plant.catalogue import CatalogueError, SignalRef
from orewatch.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "OREWATCH_AGENT_"

MAX_STAMPED_BYTES = 900
"""They stand in every block."""

SparkplugId = Annotated[str, StringConstraints(pattern=r"^[^+/#\x00]{1,200}$")]
"""What may stand in a topic: anything without ``+``, ``/``, ``#``."""
Ref = Annotated[str, StringConstraints(pattern=r"^[^.]+\..+$")]
"""``machine.signal``."""


class SignalSettings(Strict):
    """A signal of an own machine, or what differs from the catalogue. Limits in ``unit``."""

    unit: str | None = Field(default=None, description="engineering unit (UCUM)")
    kind: Literal["analog", "digital", "totaliser"] | None = Field(
        default=None, description="a digital signal is 0 or 1; a totaliser only grows, and wraps"
    )
    low: float | None = Field(default=None, description="lowest value of the range")
    high: float | None = Field(default=None, description="highest value of the range")
    resolution: float | None = Field(
        default=None, gt=0, description="one step of the sensor: values are kept as whole steps"
    )
    lossless: bool = Field(
        default=False, description="keep float64 as it is instead of steps; costs several bytes a value"
    )
    rate_s: float | None = Field(default=None, ge=0.05, le=3600, description="seconds between two readings")
    normal_low: float | None = Field(default=None, description="lower end of the normal band")
    normal_high: float | None = Field(default=None, description="upper end of the normal band")
    warn: float | None = Field(default=None, description="upper warning limit")
    trip: float | None = Field(default=None, description="upper trip limit; the PLC trips, orewatch only shows it")
    warn_low: float | None = Field(default=None, description="lower warning limit")
    trip_low: float | None = Field(default=None, description="lower trip limit")
    warn_delay_s: float | None = Field(
        default=None, ge=0, description="seconds over the limit; described to viewers, no rule uses it yet"
    )
    deadband: float | None = Field(default=None, ge=0, description="a change below it is not sent at rest")
    delay_s: float | None = Field(default=None, ge=0, description="on and off delay of the limits; no rule uses it yet")
    priority: Literal["high", "medium", "low"] | None = Field(default=None, description="how urgent its limits are")
    decides: bool | None = Field(default=None, description="the unit's state depends on it: it is sent at once")
    wrap: float | None = Field(default=None, gt=0, description="the totaliser begins again at 0 here")


class MachineSignalSettings(SignalSettings):
    """A signal that the catalogue's class has not, or has otherwise."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="the signal's name in the machine"
    )


class MachineSettings(Strict):
    """A machine besides those of the circuit; ``class`` may be one of the catalogue's or a new name."""

    id: SparkplugId = Field(
        description="its name in the unit, without a dot; a machine of the circuit with this id is replaced"
    )
    cls: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")] = Field(
        alias="class", description="a class of the catalogue, or a new name; becomes the measurement in the store"
    )
    signals: tuple[MachineSignalSettings, ...] = Field(
        default=(), description="signals that the class has not, or has otherwise"
    )

    @field_validator("id")
    @classmethod
    def _no_dot(cls, value: str) -> str:
        if "." in value:
            raise ValueError("a machine's id has no dot")
        return value


class RoleSettings(Strict):
    """Which signals the unit's state is judged by; needed where the unit has no circuit of the catalogue."""

    flow: Ref = Field(description="throughput, t/h")
    total: Ref = Field(description="the totaliser of dry tonnes")
    main: Ref = Field(description="current or power of the machine that does the work")
    no_load: float = Field(description="`main` turning empty, in its unit")
    full_load: float = Field(description="`main` at full load, in its unit")
    hopper: Ref | None = Field(default=None, description="level of the feed hopper, %")
    upstream: tuple[Ref, ...] = Field(default=(), description="whether ore can come: running contacts before the unit")
    drives: tuple[Ref, ...] = Field(default=(), description="running contacts that must be on")
    plugged: tuple[Ref, ...] = Field(default=(), description="chute plugged switches")
    tripped: tuple[Ref, ...] = Field(default=(), description="protection has tripped")
    energised: tuple[Ref, ...] = Field(default=(), description="power is on")


class UnitSettings(Strict):
    """The unit itself. ``reference`` and ``signal`` are keyed ``machine.signal``."""

    id: SparkplugId = Field(description="name of the unit, unique in the fleet; the Sparkplug node id")
    circuit: str | None = Field(
        default=None,
        description="a circuit of the catalogue: bauxite, lead, manganese, zinc; left out: own machines and roles",
    )
    site: str = Field(description="where it stands; stamped into every block")
    province: str = Field(description="stamped into every block")
    mineral: str | None = Field(default=None, description="stamped into every block; default: the circuit's")
    model: str = Field(default="", description="for people")
    nameplate_tph: float | None = Field(
        default=None, gt=0, lt=10_000, description="what it was built for, t/h; default: the circuit's"
    )
    target_tph: float | None = Field(
        default=None, gt=0, lt=10_000, description="what is expected of it, t/h; default: nameplate_tph"
    )
    comms_grace_s: float = Field(default=600.0, ge=0, description="seconds of silence before the comms_loss alert")
    latitude: float | None = Field(default=None, ge=-90, le=90, description="degrees north")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="degrees east")
    reference: dict[Ref, float] = Field(
        default_factory=dict,
        description="set points, charges and baselines that limits refer to, keyed `machine.signal`",
    )
    signal: dict[Ref, SignalSettings] = Field(
        default_factory=dict, description="what differs from the catalogue, keyed `machine.signal`; table below"
    )
    roles: RoleSettings | None = Field(
        default=None, description="what the state is judged by; mandatory without circuit"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.circuit is None and None in {self.roles, self.nameplate_tph, self.mineral}:
            raise ValueError("without circuit, roles, nameplate_tph and mineral must be set")
        stamped = "".join((self.id, self.site, self.province, self.mineral or ""))
        if len(stamped.encode()) > MAX_STAMPED_BYTES or not stamped.isprintable():
            size = len(stamped.encode())
            raise ValueError(
                f"id, site, province and mineral take {size} bytes together; allowed: {MAX_STAMPED_BYTES} printable"
            )
        return self


class SpoolSettings(Strict):
    """Where scans wait. ``keep_acknowledged_mb``: delivered blocks kept so long as they fit, to be sent again."""

    path: Path = Field(description="the spool's file (SQLite)")
    max_mb: float = Field(default=512.0, gt=0.05, le=1_000_000, description="most that blocks may take, MiB")
    keep_acknowledged_mb: float = Field(
        default=0.0, ge=0, le=1_000_000, description="delivered blocks kept so long as they fit, to be sent again"
    )
    block_bytes: int = Field(default=4096, ge=256, le=1_000_000, description="a block is sealed at about this size")
    block_seconds: float = Field(default=60.0, ge=1, le=86_400, description="or when its first scan is this old")
    synchronous: Literal["FULL", "NORMAL"] = Field(
        default="FULL", description="FULL: a scan survives a power cut once journaled; NORMAL: the last ones may not"
    )


class UplinkTls(Strict):
    """TLS to the broker: an empty table uses the system's authorities."""

    ca_file: Path | None = Field(
        default=None, description="authority that signed the broker's certificate, PEM; default: the system's"
    )
    cert_file: Path | None = Field(default=None, description="own certificate, PEM")
    key_file: Path | None = Field(default=None, description="its key, PEM")


class UplinkSettings(Strict):
    """One broker, and the collector behind it that may acknowledge.

    ``record``: "blocks", or "plain" historical metrics for hosts that do not know blocks.
    ``window``: blocks in flight; ``drain_kib_s``: the record lane's rate, 0 without limit.
    """

    name: SparkplugId = Field(
        default="main", description="keeps acknowledgements apart; a new name is owed everything in the spool"
    )
    host: str = Field(default="127.0.0.1", description="the broker")
    port: int = Field(default=1883, ge=1, le=65_535, description="its port")
    group: SparkplugId = Field(default="orewatch", description="Sparkplug group: a shard of the fleet, not a place")
    username: str | None = Field(default=None, description="the broker's access list wants the unit's id here")
    password_file: Path | None = Field(default=None, description="file that holds the password")
    client_id: str | None = Field(default=None, description="MQTT client id; default: made of group and unit")
    keepalive_s: int = Field(default=30, ge=5, le=3600, description="MQTT keep-alive")
    tls: UplinkTls | None = Field(default=None, description="present, even empty: connect with TLS")
    collector: SparkplugId = Field(default="orewatch", description="host id of the only collector that may acknowledge")
    store: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = Field(
        default=None, description="UUID of the only store that may acknowledge; default: any of that collector's"
    )
    primary_host: SparkplugId | None = Field(
        default=None, description="be born only while this host is online; see decision 0002 before you set it"
    )
    record: Literal["blocks", "plain"] = Field(
        default="blocks", description="blocks, or plain historical metrics for hosts that do not know blocks"
    )
    window: int = Field(default=64, ge=1, le=4096, description="blocks in flight")
    drain_kib_s: float = Field(default=256.0, ge=0, description="rate of the record lane, KiB/s; 0: no limit")
    resend_s: float = Field(
        default=30.0, ge=0.1, le=3600, description="a block not acknowledged for so long is sent again"
    )


class AgentSettings(Strict):
    """A whole agent file."""

    unit: UnitSettings = Field(description="the unit itself")
    machine: tuple[MachineSettings, ...] = Field(default=(), description="machines besides those of the circuit")
    spool: SpoolSettings = Field(description="where scans wait")
    uplink: tuple[UplinkSettings, ...] = Field(min_length=1, description="brokers to send to; at least one")
    source: tuple[Annotated[ModbusSettings | ReplaySettings, Field(discriminator="kind")], ...] = Field(
        min_length=1, description="what is read; at least one"
    )

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for what, names in (
            ("uplink.name", [u.name for u in self.uplink]),
            ("source.name", [s.name for s in self.source]),
            ("machine.id", [m.id for m in self.machine]),
        ):
            double = {n for n in names if names.count(n) > 1}
            if double:
                raise ValueError(f"{what}: {', '.join(sorted(double))} stands twice; each must be unique")
        refs = [SignalRef(r.machine, r.signal) for s in self.source for r in _fed(s)]
        twice = {str(r) for r in refs if refs.count(r) > 1}
        if twice:
            raise ValueError(f"source: {', '.join(sorted(twice))} is read twice; a signal has one source")
        return self

    def fed(self) -> list[SignalRef]:
        """Return every signal that a source brings."""
        return [SignalRef(r.machine, r.signal) for s in self.source for r in _fed(s)]


def _fed(source: ModbusSettings | ReplaySettings) -> tuple[RegisterSettings, ...] | tuple[ReplayColumn, ...]:
    return source.register_ if isinstance(source, ModbusSettings) else source.column


def read_agent_settings(file: Path, *, environ: Mapping[str, str]) -> AgentSettings:
    """Read a unit's file; paths in it are relative to it. :class:`SettingsError` names file, key, value, allowed."""
    settings = read_settings(AgentSettings, file=file, prefix=PREFIX, environ=environ)
    anchored: AgentSettings = _anchored(settings, file.parent)
    return anchored


def _anchored(value: Any, base: Path) -> Any:  # noqa: ANN401 - walks models, tuples and paths alike
    if isinstance(value, Path):
        return base / value
    if isinstance(value, tuple):
        return tuple(_anchored(v, base) for v in value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={k: _anchored(v, base) for k, v in value})
    return value


__all__ = [
    "AgentSettings",
    "CatalogueError",
    "ModbusSettings",
    "ReplaySettings",
    "SettingsError",
    "read_agent_settings",
]
