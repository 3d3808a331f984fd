from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.sources.registers import (
    LAST_ADDRESS,
    MAX_BITS,
    MAX_REGISTERS,
    Order,
    RegisterError,
    RegisterSpec,
    RegisterType,
    Table,
    batches,
)

REAL = (RegisterType.FLOAT32, RegisterType.FLOAT64)
BITS = (RegisterType.BOOL, RegisterType.BIT)
RANGE = {"int16": (-(2**15), 2**15 - 1), "uint16": (0, 2**16 - 1), "int32": (-(2**31), 2**31 - 1)}
RANGE |= {"uint32": (0, 2**32 - 1), "int64": (-(2**53), 2**53), "uint64": (0, 2**53)}


def _spec(**changes: object) -> RegisterSpec:
    return RegisterSpec(**{"machine": "m", "signal": "s", "address": 0, **changes})  # type: ignore[arg-type]


@given(st.data(), st.sampled_from([*RANGE]), st.sampled_from(Order), st.sampled_from(Order))
def test_whole_numbers_come_back_in_every_order(data: st.DataObject, kind: str, words: Order, octets: Order) -> None:
    raw = data.draw(st.integers(*RANGE[kind]))
    spec = _spec(type=RegisterType(kind), word_order=words, byte_order=octets)
    registers = spec.encode(raw)
    assert len(registers) == spec.type.words
    assert all(0 <= r <= 0xFFFF for r in registers)
    assert spec.decode(registers) == raw


@pytest.mark.parametrize(
    ("words", "octets", "expected"),
    [
        (Order.BIG, Order.BIG, [0x1234, 0x5678]),
        (Order.LITTLE, Order.BIG, [0x5678, 0x1234]),
        (Order.BIG, Order.LITTLE, [0x3412, 0x7856]),
        (Order.LITTLE, Order.LITTLE, [0x7856, 0x3412]),
    ],
)
def test_the_four_orders_are_those_of_the_manuals(words: Order, octets: Order, expected: list[int]) -> None:
    spec = _spec(type=RegisterType.UINT32, word_order=words, byte_order=octets)
    assert spec.encode(0x12345678) == expected
    assert spec.decode(expected) == 0x12345678


def test_a_float_is_ieee() -> None:
    spec = _spec(type=RegisterType.FLOAT32)
    assert spec.decode(list(struct.unpack(">2H", struct.pack(">f", -1.5)))) == -1.5


def test_decimal_scales_give_the_decimal() -> None:
    spec = _spec(type=RegisterType.INT16, scale=0.1, offset=-40.0)
    assert spec.decode([1003]) == 1003 / 10 - 40.0
    assert _spec(scale=0.1).decode([3]) == 0.3
    assert _spec(scale=2.5).decode([3]) == 7.5


def test_a_bit_of_a_status_word() -> None:
    spec = _spec(type=RegisterType.BIT, bit=3)
    assert [spec.decode([w]) for w in (0b1000, 0b0111)] == [1, 0]
    assert spec.encode(1) == [0b1000]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"table": Table.COIL}, "type: 'uint16' in table 'coil'; allowed: bool"),
        ({"type": RegisterType.BOOL}, "type: 'bool' in table 'holding'; allowed: bit, int16"),
        ({"type": RegisterType.INT32, "address": LAST_ADDRESS}, "address: 65535 for 2 words; allowed: 0 to 65535"),
        ({"scale": 0.0}, "scale: 0; allowed"),
        ({"type": RegisterType.BIT, "bit": 16}, "bit: 16; allowed: 0 to 15"),
    ],
)
def test_what_cannot_be_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(RegisterError, match=message):
        _spec(**changes).check()


def test_a_value_that_does_not_fit_is_named() -> None:
    with pytest.raises(RegisterError, match=r"m\.s: 40000 does not fit int16"):
        _spec(type=RegisterType.INT16).encode(40_000)
    with pytest.raises(RegisterError, match="nan"):
        _spec(type=RegisterType.INT16).encode(float("nan"))


@given(
    st.lists(
        st.builds(
            RegisterSpec,
            machine=st.just("m"),
            signal=st.text("ab", min_size=1),
            table=st.sampled_from([Table.HOLDING, Table.INPUT]),
            address=st.integers(0, 400),
            type=st.sampled_from([t for t in RegisterType if t is not RegisterType.BOOL]),
        )
    ),
    st.integers(0, 20),
)
def test_batches_read_every_register_once_within_the_limits(registers: list[RegisterSpec], gap: int) -> None:
    plan = batches(registers, gap=gap)
    assert sorted((r for b in plan for r in b.registers), key=repr) == sorted(registers, key=repr)
    for batch in plan:
        assert batch.count <= MAX_REGISTERS
        for r in batch.registers:
            assert r.table is batch.table
            assert batch.address <= r.address
            assert r.address + r.type.words <= batch.address + batch.count


def test_adjacent_registers_share_a_request_and_distant_ones_do_not() -> None:
    at = [_spec(address=a) for a in (0, 1, 5, 40)]
    assert [(b.address, b.count) for b in batches(at, gap=8)] == [(0, 6), (40, 1)]
    coils = [_spec(table=Table.COIL, type=RegisterType.BOOL, address=a) for a in range(0, 3000, 2)]
    assert [b.count <= MAX_BITS for b in batches(coils)] == [True, True]
