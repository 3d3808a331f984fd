from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.cutting import Limits, Span, cut, slice_by_time
from edge_agent.scan_rows import pack_scans, unpack_scans
from tests.unit.edge_agent.edge_parts import SMALL, T0, rows, stretch


@given(st.integers(1, 300), st.integers(1, 5000), st.integers(1, 90_000))
def test_slices_hold_everything_once_and_no_slice_is_longer(count: int, step_ms: int, span_ms: int) -> None:
    scans = stretch(T0, count, step_ms, SMALL)
    slices = slice_by_time(scans, T0, span_ms)
    assert sum((rows(part) for part in slices), start=rows([])) == rows(scans)
    for part in slices:
        span = Span.of(part)
        assert span.last_ms - span.first_ms < span_ms
        assert (span.first_ms - T0) // span_ms == (span.last_ms - T0) // span_ms


def test_times_out_of_order_are_sliced_all_the_same() -> None:
    (scan, *_) = stretch(T0, 10, schema=SMALL)
    turned = type(scan)(scan.group, scan.time_ms[::-1].copy(), scan.steps[::-1].copy())
    assert sum((rows(p) for p in slice_by_time([turned], T0, 3000)), start=rows([])) == rows([scan])


def test_a_block_that_is_large_enough_is_sealed_early() -> None:
    held = Span.of(stretch(T0, 50, schema=SMALL))
    new = stretch(T0 + 50_000, 1, schema=SMALL)
    assert cut(held, new, Limits(60_000, held.values + 1))[0] == []
    sealed, rest, row = cut(held, new, Limits(60_000, held.values))
    assert (sealed, rest.scans, row) == ([held.scans], new, new)


def test_packed_scans_come_back() -> None:
    scans = stretch(T0, 7, schema=SMALL)
    assert rows(unpack_scans(pack_scans(scans))) == rows(scans)


def test_a_slow_source_that_answers_late_does_not_cut_blocks() -> None:
    fast, slow = ([s for s in stretch(T0, 60, schema=SMALL) if s.group == n] for n in (0, 1))
    held, sealed = Span(), 0
    for second in range(60):
        new = slice_by_time(fast, T0, 1000)[second]
        late = slice_by_time(slow, T0, 1000)[second - 3] if second > 3 else []
        done, held, _ = cut(held, [*new], Limits(600_000, 10**6))
        more, held, _ = cut(held, [*late], Limits(600_000, 10**6)) if late else ([], held, [])
        sealed += len(done) + len(more)
    assert sealed == 0
    assert rows(held.scans) == rows([*fast, *(s for p in slice_by_time(slow, T0, 1000)[1:57] for s in p)])


@given(st.integers(0, 50_000))
def test_a_block_ends_where_the_clock_was_set_back(back_ms: int) -> None:
    held = Span.of(stretch(T0, 50, schema=SMALL))
    new = stretch(T0 + 49_000 - back_ms, 1, schema=SMALL)
    sealed, rest, _ = cut(held, new, Limits(600_000, 10**6))
    assert (sealed, rest.scans) == ([held.scans], new)
