"""The PLC's map: every signal once, nothing overlapping, no value bent on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.simulator.registers import register_map
from edge_agent.simulator.unit_files import demo_units
from edge_agent.sources.registers import Order, RegisterError, RegisterType, Table
from orewatch.plant.unit import Machine

if TYPE_CHECKING:
    from orewatch.plant.unit import Unit

UNITS = {unit.id: unit for unit in demo_units()}
each_unit = pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)


@each_unit
def test_every_signal_has_its_own_place(unit: Unit) -> None:
    registers = register_map(unit)
    assert {r.ref for r in registers} == {ref for ref, _ in unit.signals()}
    assert len({r.ref for r in registers}) == len(registers)
    taken: set[tuple[Table, int, int]] = set()
    for r in registers:
        r.check()
        places = {(r.table, r.address + word, r.bit) for word in range(r.type.words)}
        if r.type is not RegisterType.BIT:
            places = {(r.table, address, bit) for _, address, _ in places for bit in range(16)}
        assert not places & taken, r
        taken |= places


@each_unit
@given(data=st.data())
def test_values_pass_unbent(unit: Unit, data: st.DataObject) -> None:
    r = data.draw(st.sampled_from(register_map(unit)))
    signal = unit.signal(r.ref)
    resolution = signal.resolution or 1.0
    step = data.draw(st.integers(round(signal.low / resolution), round(signal.high / resolution)))
    value = step * resolution
    words = r.encode(value)
    assert len(words) == r.type.words
    assert round(r.decode(words) / resolution) == step


def test_the_four_layouts_use_what_plcs_use() -> None:
    registers = [r for unit in UNITS.values() for r in register_map(unit)]
    assert {r.table for r in registers} == set(Table)
    assert {r.type for r in registers} >= {
        RegisterType.BOOL, RegisterType.BIT, RegisterType.INT16, RegisterType.UINT16, RegisterType.UINT32,
        RegisterType.FLOAT32,
    }  # fmt: skip
    assert {r.word_order for r in registers} == set(Order)
    assert {r.byte_order for r in registers} == set(Order)
    assert any(r.offset for r in registers)


@pytest.mark.parametrize(
    ("unit_id", "machine", "signal", "high", "message"),
    [
        ("pb-01", "mill", "power", 40_000.0, r"mill.power: 40000.0 does not fit int16"),
        ("mn-01", "jaw", "motor_current", 2e6, r"20000000 steps do not fit float32"),
    ],
)
def test_a_range_that_does_not_fit_is_refused(
    unit_id: str, machine: str, signal: str, high: float, message: str
) -> None:
    unit = UNITS[unit_id]
    old = unit.machines[machine]
    wide = Machine(old.id, old.cls, {**old.signals, signal: replace(old.signals[signal], high=high)})
    with pytest.raises(RegisterError, match=message):
        register_map(replace(unit, machines={**unit.machines, machine: wide}))
