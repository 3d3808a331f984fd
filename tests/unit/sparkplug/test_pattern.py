from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.sparkplug import columns
from orewatch.sparkplug.actions import Action, Data
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.pattern import learn
from orewatch.sparkplug.payload import Metric, Payload, encode
from orewatch.sparkplug.topics import Verb
from tests.unit.sparkplug.host_rules import NOW, bd_seq, host, kinds, only, payload, topic

if TYPE_CHECKING:
    from orewatch.sparkplug.host import HostSession

COUNT = 12
DECLARED = [
    Metric(name=f"m{i}", alias=120 + i, datatype=DataType.DOUBLE, value=0.0, timestamp_ms=NOW) for i in range(COUNT)
]
FLAG = Metric(name="flag", alias=500, datatype=DataType.BOOLEAN, value=False, timestamp_ms=NOW)
NDATA = topic(Verb.NDATA)


def born_with_doubles() -> HostSession:
    session = host()
    session.received(topic(Verb.NBIRTH), payload(*DECLARED, FLAG, bd_seq(1), seq=0), NOW)
    return session


def full(values: list[float], times: list[int], seq: int, **changes: object) -> bytes:
    metrics = [
        Metric(alias=120 + i, value=v, timestamp_ms=t) for i, (v, t) in enumerate(zip(values, times, strict=True))
    ]
    if changes:
        given_as = {"alias": 125, "value": values[5], "timestamp_ms": times[5], **changes}
        metrics[5] = Metric(**given_as)  # type: ignore[arg-type]
    return encode(Payload(timestamp_ms=NOW, metrics=tuple(metrics), seq=seq))


def plain(step: int, seq: int, **changes: object) -> bytes:
    return full([step + i / 7 for i in range(COUNT)], [NOW + step * 1000 + i for i in range(COUNT)], seq, **changes)


CHANGES: list[dict[str, object]] = [
    {},
    {"value": None, "is_null": True},
    {"is_historical": True},
    {"properties": {"Quality": 0}},
    {"alias": 500, "value": True},
    {"alias": 999},
    {"alias": 126},
    {"value": "text"},
    {"value": 3},
    {"value": 0.0},
    {"value": float("inf")},
    {"timestamp_ms": 5},
    {"timestamp_ms": None},
    {"timestamp_ms": 2**50},
    {"timestamp_ms": 0},
    {"name": "m5", "alias": None},
]
STEPS = st.lists(st.sampled_from(CHANGES), max_size=6)


def outcome(messages: list[bytes]) -> list[tuple[Action, ...]]:
    session = born_with_doubles()
    return [session.received(NDATA, raw, NOW) for raw in messages]


@given(st.integers(0, 300), STEPS)
def test_what_is_read_by_pattern_is_what_the_long_way_reads(start: int, changes: list[dict[str, object]]) -> None:
    messages = [plain(n, (1 + n) % 256) for n in range(start)]
    messages += [plain(start + n, (1 + start + n) % 256, **change) for n, change in enumerate(changes)]
    with patch.object(columns, "WORTH_A_PATTERN", 10**9):
        expected = outcome(messages)
    assert outcome(messages) == expected


@given(
    st.lists(st.floats(allow_nan=False), min_size=COUNT, max_size=COUNT),
    st.lists(st.integers(2**36, 2**42 - 1), min_size=COUNT, max_size=COUNT),
    st.integers(128, 255),
)
def test_a_pattern_gives_back_every_value_and_time(values: list[float], times: list[int], seq: int) -> None:
    pattern = learn(plain(0, 200))
    assert pattern is not None
    raw = full(values, times, seq)
    if 0.0 not in values:
        assert pattern.read(raw) == (values, times)
        assert pattern.seq(raw) == seq


def test_the_pattern_is_really_used_and_follows_the_sequence() -> None:
    session = born_with_doubles()
    with patch("orewatch.sparkplug.host_node.read_columns", wraps=columns.read_columns) as long_way:
        for n in range(600):
            [data] = only(session.received(NDATA, plain(n, (1 + n) % 256), NOW + n), Data)
            assert data.values[0] == n
        assert long_way.call_count == 3  # two messages to learn from, and one more for numbers of two bytes
        assert session.received(NDATA, plain(700, 200), NOW) == ()  # a gap is still seen
        assert kinds(session.tick(NOW + 5000))[0] == "Data"


def test_a_birth_forgets_the_patterns_of_the_session_before() -> None:
    session = born_with_doubles()
    for n in range(4):
        session.received(NDATA, plain(n, 1 + n), NOW)
    renamed = [Metric(name=f"x{i}", alias=120 + i, datatype=DataType.DOUBLE, value=0.0) for i in range(COUNT)]
    session.received(topic(Verb.NBIRTH), payload(*renamed, bd_seq(1), seq=0), NOW)
    [data] = only(session.received(NDATA, plain(9, 1), NOW), Data)
    assert data.names[0] == "x0"


@pytest.mark.parametrize("change", [CHANGES[n] for n in (1, 2, 3, 4, 7, 8, 12, 13, 15)])
def test_nothing_is_learned_from_anything_but_doubles_by_alias(change: dict[str, object]) -> None:
    assert learn(plain(0, 1, **change)) is None


@given(st.binary(max_size=80), st.integers(0, 300), st.integers(0, 255))
def test_any_bytes_teach_nothing_or_a_pattern(junk: bytes, cut: int, flip: int) -> None:
    learn(junk)
    raw = bytearray(plain(0, 1))
    raw[cut % len(raw)] ^= flip
    pattern = learn(bytes(raw[: max(cut, 1)]))
    assert pattern is None or pattern.count <= COUNT
    learn(bytes(raw))
