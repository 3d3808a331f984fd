"""The agent's settings: one TOML file per unit, checked wholly before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from edge_agent.sources.registers import Order, RegisterError, RegisterSpec, RegisterType, Table
from orewatch.plant.catalogue import CatalogueError, SignalRef
from orewatch.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "OREWATCH_AGENT_"

SparkplugId = Annotated[str, StringConstraints(pattern=r"^[^+/#\x00]{1,200}$")]
"""What may stand in a topic: anything without ``+``, ``/``, ``#``."""
Ref = Annotated[str, StringConstraints(pattern=r"^[^.]+\..+$")]
"""``machine.signal``."""


class _Table(BaseModel):
    # A misspelt key must not pass in silence.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SignalSettings(_Table):
    """A signal of an own machine, or what differs from the catalogue. Limits in ``unit``."""

    unit: str | None = None
    kind: Literal["analog", "digital", "totaliser"] | None = None
    low: float | None = None
    high: float | None = None
    resolution: float | None = Field(default=None, gt=0)
    lossless: bool = False
    rate_s: float | None = Field(default=None, ge=0.05, le=3600)
    normal_low: float | None = None
    normal_high: float | None = None
    warn: float | None = None
    trip: float | None = None
    warn_low: float | None = None
    trip_low: float | None = None
    warn_delay_s: float | None = Field(default=None, ge=0)
    deadband: float | None = Field(default=None, ge=0)
    delay_s: float | None = Field(default=None, ge=0)
    priority: Literal["high", "medium", "low"] | None = None
    decides: bool | None = None
    wrap: float | None = Field(default=None, gt=0)


class MachineSignalSettings(SignalSettings):
    """A signal that the catalogue's class has not, or has otherwise."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class MachineSettings(_Table):
    """A machine besides those of the circuit; ``class`` may be one of the catalogue's or a new name."""

    id: SparkplugId
    cls: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")] = Field(alias="class")
    signals: tuple[MachineSignalSettings, ...] = ()

    @field_validator("id")
    @classmethod
    def _no_dot(cls, value: str) -> str:
        if "." in value:
            raise ValueError("a machine's id has no dot")
        return value


class RoleSettings(_Table):
    """Which signals the unit's state is judged by; needed where the unit has no circuit of the catalogue."""

    flow: Ref
    total: Ref
    main: Ref
    no_load: float
    full_load: float
    hopper: Ref | None = None
    upstream: tuple[Ref, ...] = ()
    drives: tuple[Ref, ...] = ()
    plugged: tuple[Ref, ...] = ()
    tripped: tuple[Ref, ...] = ()
    energised: tuple[Ref, ...] = ()


class UnitSettings(_Table):
    """The unit itself. ``reference`` and ``signal`` are keyed ``machine.signal``."""

    id: SparkplugId
    circuit: str | None = None
    site: str
    province: str
    mineral: str | None = None
    model: str = ""
    nameplate_tph: float | None = Field(default=None, gt=0, lt=10_000)
    target_tph: float | None = Field(default=None, gt=0, lt=10_000)
    comms_grace_s: float = Field(default=600.0, ge=0)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    reference: dict[Ref, float] = Field(default_factory=dict)
    signal: dict[Ref, SignalSettings] = Field(default_factory=dict)
    roles: RoleSettings | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.circuit is None and None in {self.roles, self.nameplate_tph, self.mineral}:
            raise ValueError("without circuit, roles, nameplate_tph and mineral must be set")
        return self


class SpoolSettings(_Table):
    """Where scans wait. ``keep_acknowledged_mb``: delivered blocks kept so long as they fit, to be sent again."""

    path: Path
    max_mb: float = Field(default=512.0, gt=0.05, le=1_000_000)
    keep_acknowledged_mb: float = Field(default=0.0, ge=0, le=1_000_000)
    block_bytes: int = Field(default=4096, ge=256, le=1_000_000)
    block_seconds: float = Field(default=60.0, ge=1, le=86_400)
    synchronous: Literal["FULL", "NORMAL"] = "FULL"


class UplinkTls(_Table):
    """TLS to the broker: an empty table uses the system's authorities."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class UplinkSettings(_Table):
    """One broker, and the collector behind it that may acknowledge.

    ``record``: "blocks", or "plain" historical metrics for hosts that do not know blocks.
    ``window``: blocks in flight; ``drain_kib_s``: the record lane's rate, 0 without limit.
    """

    name: SparkplugId = "main"
    host: str = "127.0.0.1"
    port: int = Field(default=1883, ge=1, le=65_535)
    group: SparkplugId = "orewatch"
    username: str | None = None
    password_file: Path | None = None
    client_id: str | None = None
    keepalive_s: int = Field(default=30, ge=5, le=3600)
    tls: UplinkTls | None = None
    collector: SparkplugId = "orewatch"
    store: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    primary_host: SparkplugId | None = None
    record: Literal["blocks", "plain"] = "blocks"
    window: int = Field(default=64, ge=1, le=4096)
    drain_kib_s: float = Field(default=256.0, ge=0)
    resend_s: float = Field(default=30.0, ge=0.1, le=3600)


class RegisterSettings(_Table):
    """One register; see :class:`edge_agent.sources.registers.RegisterSpec`."""

    machine: str
    signal: str
    table: Table = Table.HOLDING
    address: int = Field(ge=0, le=65_535)
    type: RegisterType = RegisterType.UINT16
    word_order: Order = Order.BIG
    byte_order: Order = Order.BIG
    scale: float = 1.0
    offset: float = 0.0
    bit: int = Field(default=0, ge=0, le=15)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            self.spec().check()
        except RegisterError as error:
            raise ValueError(str(error)) from error
        return self

    def spec(self) -> RegisterSpec:
        """Return what the source reads by."""
        return RegisterSpec(**self.model_dump())


class ModbusSettings(_Table):
    """A Modbus device. ``gap``: unused registers that a request may read over."""

    kind: Literal["modbus"]
    name: str = "plc"
    transport: Literal["tcp", "rtu"] = "tcp"
    host: str = "127.0.0.1"
    port: int = Field(default=502, ge=1, le=65_535)
    serial_port: str | None = None
    baudrate: int = Field(default=19_200, ge=1200, le=1_000_000)
    parity: Literal["N", "E", "O"] = "E"
    stopbits: Literal[1, 2] = 1
    device_id: int = Field(default=1, ge=0, le=255)
    timeout_s: float = Field(default=1.0, gt=0, le=60)
    gap: int = Field(default=8, ge=0, le=100)
    register_: tuple[RegisterSettings, ...] = Field(alias="register", min_length=1)

    @model_validator(mode="after")
    def _line(self) -> Self:
        if self.transport == "rtu" and self.serial_port is None:
            raise ValueError("serial_port must be set where transport is 'rtu'")
        return self


class ReplayColumn(_Table):
    """How a CSV column becomes a signal: value * ``scale`` + ``offset``."""

    column: str
    machine: str
    signal: str
    scale: float = 1.0
    offset: float = 0.0


class ReplaySettings(_Table):
    """A recording played back. A row's time is its ``time_column``, or ``row_s`` seconds after the row before.

    With ``row_column`` it is time_column + row_column * row_s: recordings that tell the hour and the row in it.
    ``decimal``: the decimal mark. ``speed``: 60 plays an hour in a minute. ``loop``: begin again at the end.
    """

    kind: Literal["replay"]
    name: str = "replay"
    file: Path
    time_column: str | None = None
    row_s: float | None = Field(default=None, gt=0)
    row_column: str | None = None
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."
    speed: float = Field(default=1.0, gt=0, le=100_000)
    loop: bool = True
    column: tuple[ReplayColumn, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _paced(self) -> Self:
        if self.row_column is None and (self.time_column is None) == (self.row_s is None):
            raise ValueError("either time_column or row_s must be set; both only with row_column")
        if self.row_column is not None and None in {self.time_column, self.row_s}:
            raise ValueError("row_column needs time_column and row_s")
        return self


class AgentSettings(_Table):
    """A whole agent file."""

    unit: UnitSettings
    machine: tuple[MachineSettings, ...] = ()
    spool: SpoolSettings
    uplink: tuple[UplinkSettings, ...] = Field(min_length=1)
    source: tuple[Annotated[ModbusSettings | ReplaySettings, Field(discriminator="kind")], ...] = Field(min_length=1)

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


__all__ = ["AgentSettings", "CatalogueError", "SettingsError", "read_agent_settings"]
