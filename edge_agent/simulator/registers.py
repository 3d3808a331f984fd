"""Where each signal of a simulated unit stands in its PLC.

Every circuit's PLC is laid out differently, as those of real makers are, so that the four examples
between them use every table, both word orders, single bits and offsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_agent.sources.registers import Order, RegisterError, RegisterSpec, RegisterType, Table
from orewatch.plant.catalogue import Signal, SignalKind, SignalRef

if TYPE_CHECKING:
    from orewatch.plant.unit import Unit

FLOAT32_STEPS: Final = 2**23
"""Up to this many steps a float32 tells neighbours apart with certainty."""
WORD_BITS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a make of PLC shows things. ``analog`` and ``bits`` are tables; ``align`` the step between machines."""

    analog: Table = Table.INPUT
    analog_type: RegisterType = RegisterType.INT16
    bits: Table = Table.DISCRETE
    word_order: Order = Order.BIG
    byte_order: Order = Order.BIG
    from_low: bool = False
    align: int = 10


LAYOUTS: Final = {
    "lead": Layout(),
    "zinc": Layout(analog=Table.HOLDING, bits=Table.HOLDING, word_order=Order.LITTLE, align=16),
    "manganese": Layout(analog_type=RegisterType.FLOAT32, bits=Table.COIL, word_order=Order.LITTLE),
    "bauxite": Layout(
        analog=Table.HOLDING,
        analog_type=RegisterType.UINT16,
        word_order=Order.LITTLE,
        byte_order=Order.LITTLE,
        from_low=True,
    ),
}


def register_map(unit: Unit) -> tuple[RegisterSpec, ...]:
    """Return a register for every signal of the unit; RegisterError where a signal's range does not fit its type."""
    layout = LAYOUTS.get(unit.circuit, Layout())
    out: list[RegisterSpec] = []
    word = bit = 0
    for machine in unit.machines.values():
        word += -word % layout.align
        flags = [name for name, signal in machine.signals.items() if signal.kind is SignalKind.DIGITAL]
        if layout.bits.bits:
            out += [_flag(layout, machine.id, name, bit + i) for i, name in enumerate(flags)]
            bit += len(flags)
        elif flags:
            # One status word per machine, a bit for each flag.
            out += [
                RegisterSpec(
                    machine=machine.id, signal=n, table=layout.bits, address=word, type=RegisterType.BIT, bit=i
                )
                for i, n in enumerate(flags[:WORD_BITS])
            ]
            word += 1
        for name, signal in machine.signals.items():
            if signal.kind is not SignalKind.DIGITAL:
                spec = _number(layout, SignalRef(machine.id, name), signal, word)
                word += spec.type.words
                out.append(spec)
    return tuple(out)


def _flag(layout: Layout, machine: str, signal: str, address: int) -> RegisterSpec:
    return RegisterSpec(machine=machine, signal=signal, table=layout.bits, address=address, type=RegisterType.BOOL)


def _number(layout: Layout, ref: SignalRef, signal: Signal, address: int) -> RegisterSpec:
    totaliser = signal.kind is SignalKind.TOTALISER
    kind = RegisterType.UINT32 if totaliser else layout.analog_type
    real = kind in {RegisterType.FLOAT32, RegisterType.FLOAT64}
    shifted = layout.from_low and not totaliser
    spec = RegisterSpec(
        machine=ref.machine,
        signal=ref.signal,
        table=layout.analog,
        address=address,
        type=kind,
        word_order=layout.word_order,
        byte_order=layout.byte_order,
        scale=1.0 if real else float(signal.resolution or 1.0),
        offset=float(signal.low) if shifted else 0.0,
    )
    spec.check()
    for value in (signal.low, signal.high):
        spec.encode(value)
    steps = max(abs(signal.low), abs(signal.high)) / (signal.resolution or 1.0)
    if kind is RegisterType.FLOAT32 and steps > FLOAT32_STEPS:
        raise RegisterError(f"{ref}: {steps:.0f} steps do not fit float32; allowed: up to {FLOAT32_STEPS}")
    return spec
