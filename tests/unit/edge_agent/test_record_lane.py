from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.lanes import LONGEST_RESEND_MS, RecordLane
from edge_agent.spool import SpooledBlock

if TYPE_CHECKING:
    from collections.abc import Iterable

RESEND_MS = 30_000


class Spooled:
    """A spool's queue of blocks owed, a lane that sends them, and a clock."""

    def __init__(self, count: int, *, window: int = 4, rate: float = 0.0, size: int = 100) -> None:
        self.lane = RecordLane(window=window, resend_ms=RESEND_MS, bytes_per_s=rate)
        self.owed = {n: SpooledBlock(n, bytes(size), b"", 0, 0) for n in range(1, count + 1)}
        self.at_ms = 1_000_000

    def sends(self, after_ms: int = 0) -> list[int]:
        self.at_ms += after_ms
        wanted = self.lane.wanted(self.at_ms)
        if wanted is None:
            return []
        after, limit = wanted
        found = [b for n, b in sorted(self.owed.items()) if n > after][:limit]
        return [b.number for b in self.lane.take(found, self.at_ms)]

    def acknowledge(self, numbers: Iterable[int]) -> None:
        for n in numbers:
            self.owed.pop(n, None)
            self.lane.acknowledged([(n, n)], self.at_ms)


def test_oldest_first_and_never_more_than_the_window() -> None:
    s = Spooled(10)
    assert s.sends() == [1, 2, 3, 4]
    assert s.sends(1000) == []
    s.acknowledge([2, 3])
    assert s.sends() == [5, 6]


def test_what_alone_was_lost_is_sent_again_alone() -> None:
    s = Spooled(6)
    s.sends()
    s.acknowledge([1, 3, 4])
    assert s.sends(1000) == [5, 6]
    s.acknowledge([5, 6])
    assert s.sends(RESEND_MS - 1001) == []
    assert s.sends(1) == [2]
    assert s.lane.resent == 1


def test_an_absent_collector_is_asked_with_one_block_at_growing_intervals() -> None:
    s = Spooled(10)
    s.sends()
    sent_at = []
    for second in range(3600):
        sent = s.sends(1000)
        assert sent in ([], [1])
        sent_at += [second] * len(sent)
    gaps = [b - a for a, b in itertools.pairwise(sent_at)]
    assert gaps[:4] == [60, 120, 240, 300]
    assert max(gaps) == LONGEST_RESEND_MS // 1000
    # It is back: the window opens again, step by step.
    s.acknowledge([1])
    assert s.sends() == [2, 3]
    s.acknowledge([2, 3])
    assert s.sends() == [4, 5, 6, 7]


def test_a_late_answer_to_what_is_no_longer_in_flight_counts() -> None:
    s = Spooled(10)
    s.sends()
    assert s.sends(RESEND_MS) == [1]
    s.acknowledge([3, 4])
    assert s.sends() == [2, 5, 6]


def test_a_new_connection_sends_the_oldest_again() -> None:
    s = Spooled(10)
    s.sends()
    s.acknowledge([1])
    s.lane.reconnected()
    assert s.sends(1) == [2, 3, 4, 5]
    # However long nobody had answered on the old one.
    assert [s.sends(LONGEST_RESEND_MS) for _ in range(3)] == [[2], [2], [2]]
    s.lane.reconnected()
    assert s.sends() == [2, 3, 4, 5]


def test_what_the_client_did_not_take_is_not_in_flight() -> None:
    s = Spooled(4)
    assert s.sends() == [1, 2, 3, 4]
    s.lane.not_sent([3, 4])
    assert s.sends() == [3, 4]


def test_blocks_that_came_back_are_found_again() -> None:
    s = Spooled(3)
    old = dict(s.owed)
    s.sends()
    s.acknowledge([1, 2, 3])
    s.owed = {1: old[1]}
    assert s.sends() == []
    s.lane.again(1)
    assert s.sends() == [1]


@given(st.integers(500, 5000), st.integers(200, 900))
def test_the_rate_holds_over_time(rate: int, size: int) -> None:
    s = Spooled(600, window=600, rate=rate, size=size)
    sent = sum(len(s.sends(100)) for _ in range(200))
    # Twenty seconds, a second's burst at first, and one block that may overdraw.
    assert rate * 20 - size <= sent * size <= rate * 21 + size


@given(st.lists(st.sampled_from(["send", "lose", "ack", "wait", "reconnect"]), max_size=60))
def test_whatever_happens_everything_is_delivered_in_the_end(story: list[str]) -> None:
    s = Spooled(12)
    on_the_way: list[int] = []
    for event in story:
        if event == "send":
            on_the_way += s.sends(10)
        elif event == "lose":
            on_the_way = on_the_way[1:]
        elif event == "ack":
            s.acknowledge(on_the_way[:1])
            on_the_way = on_the_way[1:]
        elif event == "wait":
            s.at_ms += RESEND_MS
        else:
            s.lane.reconnected()
        assert s.lane.in_flight <= 4
    for _ in range(60):
        s.acknowledge(s.sends(LONGEST_RESEND_MS))
    assert s.owed == {}
