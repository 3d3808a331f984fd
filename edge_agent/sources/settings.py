"""What a unit's file says of its sources: Modbus devices and their registers, recordings and their columns."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from edge_agent.sources.registers import Order, RegisterError, RegisterSpec, RegisterType, Table


class Strict(BaseModel):
    """A table in which a misspelt key must not pass in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RegisterSettings(Strict):
    """One register; see :class:`edge_agent.sources.registers.RegisterSpec`."""

    machine: str = Field(description="whose signal stands here")
    signal: str = Field(description="which of its signals")
    table: Table = Field(default=Table.HOLDING, description="Modbus table")
    address: int = Field(ge=0, le=65_535, description="counted from 0")
    type: RegisterType = Field(
        default=RegisterType.UINT16, description="how the value is written; coil and discrete: bool only"
    )
    word_order: Order = Field(default=Order.BIG, description="which register of a long value comes first")
    byte_order: Order = Field(default=Order.BIG, description="which byte of a register comes first")
    scale: float = Field(default=1.0, description="value = raw * scale + offset")
    offset: float = Field(default=0.0, description="see scale")
    bit: int = Field(default=0, ge=0, le=15, description="type bit: which, 0 is the lowest")

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


class ModbusSettings(Strict):
    """A Modbus device. ``gap``: unused registers that a request may read over."""

    kind: Literal["modbus"] = Field(description="a Modbus device")
    name: str = Field(default="plc", description="for messages; unique in the file")
    transport: Literal["tcp", "rtu"] = Field(default="tcp", description="over a network or a serial line")
    host: str = Field(default="127.0.0.1", description="tcp: the device")
    port: int = Field(default=502, ge=1, le=65_535, description="tcp: its port")
    serial_port: str | None = Field(default=None, description="rtu: such as /dev/ttyUSB0; mandatory there")
    baudrate: int = Field(default=19_200, ge=1200, le=1_000_000, description="rtu")
    parity: Literal["N", "E", "O"] = Field(default="E", description="rtu")
    stopbits: Literal[1, 2] = Field(default=1, description="rtu")
    device_id: int = Field(default=1, ge=0, le=255, description="Modbus unit id")
    timeout_s: float = Field(default=1.0, gt=0, le=60, description="wait for an answer")
    gap: int = Field(default=8, ge=0, le=100, description="unused registers that one request may read over")
    register_: tuple[RegisterSettings, ...] = Field(
        alias="register", min_length=1, description="the register map; at least one"
    )

    @model_validator(mode="after")
    def _line(self) -> Self:
        if self.transport == "rtu" and self.serial_port is None:
            raise ValueError("serial_port must be set where transport is 'rtu'")
        return self


class ReplayColumn(Strict):
    """How a CSV column becomes a signal: value * ``scale`` + ``offset``."""

    column: str = Field(description="heading in the CSV")
    machine: str = Field(description="whose signal it becomes")
    signal: str = Field(description="which of its signals")
    scale: float = Field(default=1.0, description="value = cell * scale + offset")
    offset: float = Field(default=0.0, description="see scale")


class ReplaySettings(Strict):
    """A recording played back. A row's time is its ``time_column``, or ``row_s`` seconds after the row before.

    With ``row_column`` it is time_column + row_column * row_s: recordings that tell the hour and the row in it.
    ``decimal``: the decimal mark. ``speed``: 60 plays an hour in a minute. ``loop``: begin again at the end.
    """

    kind: Literal["replay"] = Field(description="a recording played back")
    name: str = Field(default="replay", description="for messages; unique in the file")
    file: Path = Field(description="the CSV, UTF-8, with headings")
    time_column: str | None = Field(default=None, description="ISO 8601 times or seconds")
    row_s: float | None = Field(default=None, gt=0, description="seconds between rows, where no column tells the time")
    row_column: str | None = Field(
        default=None, description="number of the row within its time_column: time = time_column + row_column * row_s"
    )
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = Field(
        default=",", description="between cells"
    )
    decimal: Literal[".", ","] = Field(default=".", description="decimal mark")
    speed: float = Field(default=1.0, gt=0, le=100_000, description="60 plays an hour in a minute")
    loop: bool = Field(default=True, description="begin again at the end")
    column: tuple[ReplayColumn, ...] = Field(min_length=1, description="which column is which signal; at least one")

    @model_validator(mode="after")
    def _paced(self) -> Self:
        if self.row_column is None and (self.time_column is None) == (self.row_s is None):
            raise ValueError("either time_column or row_s must be set; both only with row_column")
        if self.row_column is not None and None in {self.time_column, self.row_s}:
            raise ValueError("row_column needs time_column and row_s")
        return self
