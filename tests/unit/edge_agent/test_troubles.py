from __future__ import annotations

from collections import Counter

from edge_agent.troubles import AGAIN_MS, FIRST_MS, Troubles


def test_what_went_wrong_is_told_soon_and_then_seldom() -> None:
    troubles = Troubles(at_ms=1000)
    plc, agent = Counter({"short_answer": 3}), Counter({"scans": 100})
    counters = {"agent": agent, "source plc": plc}
    assert troubles.line(counters, 1000) == ""
    at_ms = 1000 + FIRST_MS
    assert troubles.line(counters, at_ms) == "source plc short_answer 3 (3 in all)"
    plc["short_answer"] += 2
    assert troubles.line(counters, at_ms + AGAIN_MS - 1) == ""
    assert troubles.line(counters, at_ms + AGAIN_MS) == "source plc short_answer 2 (5 in all)"


def test_where_all_is_well_nothing_is_told_and_the_first_trouble_is_soon() -> None:
    troubles = Troubles(at_ms=0)
    agent = Counter({"scans": 100, "blocks_sent": 4})
    assert troubles.line({"agent": agent}, 10 * AGAIN_MS) == ""
    agent["missed_ticks"] += 1
    assert troubles.line({"agent": agent}, 10 * AGAIN_MS + FIRST_MS) == "agent missed_ticks 1 (1 in all)"


def test_at_the_end_the_rest_is_told() -> None:
    troubles = Troubles(at_ms=0)
    agent = Counter({"missed_ticks": 1})
    assert troubles.line({"agent": agent}, 1, last=True) == "agent missed_ticks 1 (1 in all)"
    assert troubles.line({"agent": agent}, 2, last=True) == ""
