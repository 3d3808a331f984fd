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
