"""Modbus registers: where a signal stands, how its words become a number, which are read together."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orewatch.plant.catalogue import SignalRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_REGISTERS = 125
"""Registers that one request may ask for, by the Modbus specification."""
MAX_BITS = 2000
"""Coils or discrete inputs that one request may ask for."""
LAST_ADDRESS = 65_535


class Table(StrEnum):
    """The four tables of a Modbus device."""

    HOLDING = "holding"
    INPUT = "input"
    COIL = "coil"
    DISCRETE = "discrete"

    @property
    def bits(self) -> bool:
        """Whether entries are single bits."""
        return self in {Table.COIL, Table.DISCRETE}


class RegisterType(StrEnum):
    """How a value is written; ``bit`` is one bit of a 16-bit register, ``bool`` a coil or discrete input."""

    BOOL = "bool"
    BIT = "bit"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"

    @property
    def words(self) -> int:
        """How many registers (or, for ``bool``, bits) a value takes."""
        return {"32": 2, "64": 4}.get(self.value[-2:], 1)


class Order(StrEnum):
    """Which of two parts comes first."""

    BIG = "big"
    LITTLE = "little"


_FORMAT = {
    RegisterType.INT16: "h",
    RegisterType.UINT16: "H",
    RegisterType.INT32: "i",
    RegisterType.UINT32: "I",
    RegisterType.INT64: "q",
    RegisterType.UINT64: "Q",
    RegisterType.FLOAT32: "f",
    RegisterType.FLOAT64: "d",
}


class RegisterError(ValueError):
    """A register's description or content is impossible; the message names field, value and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSpec:
    """Where one signal stands in a Modbus device: physical value = raw * ``scale`` + ``offset``.

    ``address`` counts from 0. ``word_order`` tells which register of a long value comes first,
    ``byte_order`` which byte of a register. ``bit`` (0 = lowest) only for type ``bit``.
    """

    machine: str
    signal: str
    table: Table = Table.HOLDING
    address: int
    type: RegisterType = RegisterType.UINT16
    word_order: Order = Order.BIG
    byte_order: Order = Order.BIG
    scale: float = 1.0
    offset: float = 0.0
    bit: int = 0

    @property
    def ref(self) -> SignalRef:
        """The signal that stands here."""
        return SignalRef(self.machine, self.signal)

    def check(self) -> None:
        """Raise :class:`RegisterError` where the description cannot be."""
        if self.table.bits != (self.type is RegisterType.BOOL):
            allowed = "bool" if self.table.bits else ", ".join(t for t in RegisterType if t is not RegisterType.BOOL)
            raise RegisterError(f"type: {self.type.value!r} in table {self.table.value!r}; allowed: {allowed}")
        last = self.address + self.type.words - 1
        if self.address < 0 or last > LAST_ADDRESS:
            raise RegisterError(f"address: {self.address} for {self.type.words} words; allowed: 0 to {LAST_ADDRESS}")
        if self.scale == 0:
            raise RegisterError("scale: 0; allowed: any other number")
        if not 0 <= self.bit <= 15:  # noqa: PLR2004 - a register has sixteen bits
            raise RegisterError(f"bit: {self.bit}; allowed: 0 to 15")

    def decode(self, words: Sequence[int]) -> float:
        """Return the physical value of ``words`` (this value's registers, or its one bit)."""
        if self.type is RegisterType.BOOL:
            raw: float = int(bool(words[0]))
        elif self.type is RegisterType.BIT:
            raw = (self._ordered(words)[0] >> self.bit) & 1
        else:
            packed = struct.pack(f">{len(words)}H", *self._ordered(words))
            raw = struct.unpack(">" + _FORMAT[self.type], packed)[0]
        # Division by a whole number keeps decimal scales exact: 123 * 0.1 is not 12.3, 123 / 10 is.
        inverse = round(1 / self.scale) if abs(self.scale) < 1 else 0
        if inverse and inverse * self.scale == 1:
            return raw / inverse + self.offset
        return raw * self.scale + self.offset

    def encode(self, value: float) -> list[int]:
        """Return the registers (or the one bit) for a physical value; :class:`RegisterError` where it does not fit."""
        raw = (value - self.offset) / self.scale
        if self.type in {RegisterType.BOOL, RegisterType.BIT}:
            return [int(bool(raw)) << (self.bit if self.type is RegisterType.BIT else 0)]
        try:
            number = raw if self.type in {RegisterType.FLOAT32, RegisterType.FLOAT64} else round(raw)
            packed = struct.pack(">" + _FORMAT[self.type], number)
        except (struct.error, OverflowError, ValueError) as error:
            raise RegisterError(
                f"{self.ref}: {value!r} does not fit {self.type.value} with scale {self.scale}"
            ) from error
        return self._ordered(struct.unpack(f">{self.type.words}H", packed))

    def _ordered(self, words: Sequence[int]) -> list[int]:
        ordered = [w if self.byte_order is Order.BIG else ((w & 0xFF) << 8) | (w >> 8) for w in words]
        return ordered if self.word_order is Order.BIG else ordered[::-1]


@dataclass(frozen=True, slots=True)
class Batch:
    """Adjacent registers of one table that one request reads: ``count`` entries from ``address``."""

    table: Table
    address: int
    count: int
    registers: tuple[RegisterSpec, ...]


def batches(registers: Iterable[RegisterSpec], *, gap: int = 8) -> list[Batch]:
    """Return requests that read ``registers``, jumping over at most ``gap`` unused entries."""
    out: list[Batch] = []
    for register in sorted(registers, key=lambda r: (r.table, r.address)):
        end = register.address + register.type.words
        if out:
            last = out[-1]
            limit = MAX_BITS if register.table.bits else MAX_REGISTERS
            near = register.table is last.table and register.address <= last.address + last.count + gap
            count = max(last.count, end - last.address)
            if near and count <= limit:
                out[-1] = Batch(last.table, last.address, count, (*last.registers, register))
                continue
        out.append(Batch(register.table, register.address, register.type.words, (register,)))
    return out
