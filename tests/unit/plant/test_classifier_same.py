"""Live, history and any cut between them: the same answers."""

from __future__ import annotations

import json
from dataclasses import fields
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orewatch.plant.classifier import Classifier, classify
from orewatch.plant.evidence import Evidence, silence
from tests.unit.plant.evidence_made import KINDS, START, a_unit, evidence_of, side_by_side

if TYPE_CHECKING:
    from orewatch.plant.states import Change

UNIT = a_unit()
LENGTHS = st.sampled_from([1, 2, 3, 5, 9, 10, 11, 15, 29, 30, 31, 59, 60, 61, 62, 119, 120, 121, 299, 300, 301])
SPANS = st.lists(st.tuples(st.sampled_from(sorted(KINDS)), LENGTHS), min_size=1, max_size=8)


def run(evidence: Evidence, cuts: list[int], *, restart: bool = False) -> tuple[Classifier, list[Change]]:
    """Step through ``evidence`` in the pieces that ``cuts`` make, through JSON between them if ``restart``."""
    classifier = Classifier(units=[UNIT], start_ms=START)
    changes: list[Change] = []
    for start, end in zip([0, *cuts], [*cuts, len(evidence)], strict=True):
        changes += classifier.step(evidence.between(start, end))
        if restart:
            classifier = Classifier.from_dict([UNIT], json.loads(json.dumps(classifier.to_dict())))
    return classifier, changes


def told(classifier: Classifier) -> list[tuple[object, ...]]:
    return [(i.state, i.reason, i.start_ms, i.end_ms) for i in classifier.intervals(0)]


def same(one: tuple[Classifier, list[Change]], other: tuple[Classifier, list[Change]]) -> None:
    assert one[1] == other[1]
    assert told(one[0]) == told(other[0])
    assert one[0].to_dict()["carry"] == other[0].to_dict()["carry"]
    assert one[0].status(0) == other[0].status(0)


@settings(max_examples=60, deadline=None)
@given(SPANS)
def test_second_by_second_is_the_same_as_by_runs(spans: list[tuple[str, int]]) -> None:
    evidence = evidence_of(*spans)
    same(run(evidence, list(range(1, len(evidence)))), run(evidence, []))


@settings(max_examples=60, deadline=None)
@given(SPANS, st.lists(st.floats(0, 1), max_size=6), st.booleans())
def test_cutting_anywhere_changes_nothing(spans: list[tuple[str, int]], where: list[float], restart: bool) -> None:
    evidence = evidence_of(*spans)
    cuts = sorted(int(share * len(evidence)) for share in where)
    same(run(evidence, cuts, restart=restart), run(evidence, []))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.lists(st.floats(0, 1), max_size=4))
def test_random_seconds_agree_too(seed: int, seconds: int, where: list[float]) -> None:
    rng = np.random.default_rng(seed)
    kinds = list(rng.choice(sorted(KINDS), size=3))
    evidence = evidence_of(*((str(rng.choice(kinds)), int(rng.integers(1, 40))) for _ in range(seconds // 10 + 1)))
    cuts = sorted(int(share * len(evidence)) for share in where)
    same(run(evidence, cuts), run(evidence, list(range(1, len(evidence)))))


@settings(max_examples=60, deadline=None)
@given(SPANS)
def test_every_instant_has_exactly_one_state(spans: list[tuple[str, int]]) -> None:
    evidence = evidence_of(*spans)
    intervals = classify(UNIT, evidence)
    assert intervals[0].start_ms == START
    assert intervals[-1].end_ms == START + 1000 * len(evidence)
    for before, after in pairwise(intervals):
        assert before.end_ms == after.start_ms
        assert before.start_ms < after.start_ms
        assert (before.state, before.reason == "learning") != (after.state, after.reason == "learning")


@settings(max_examples=40, deadline=None)
@given(st.lists(SPANS, min_size=2, max_size=4))
def test_units_do_not_touch_each_other(many: list[list[tuple[str, int]]]) -> None:
    each = [evidence_of(*spans) for spans in many]
    shortest = min(len(e) for e in each)
    each = [e.between(0, shortest) for e in each]
    units = [a_unit(f"u{n}") for n in range(len(each))]
    together = Classifier(units=units, start_ms=START)
    for second in range(shortest):
        together.step(side_by_side(*(e.between(second, second + 1) for e in each)))
    for number, evidence in enumerate(each):
        alone, _ = run(evidence, [])
        assert [(i.state, i.start_ms) for i in together.intervals(number)] == [
            (i.state, i.start_ms) for i in alone.intervals(0)
        ]


@settings(max_examples=40, deadline=None)
@given(SPANS, st.integers(1, 4000), SPANS)
def test_missing_seconds_are_silence(before: list[tuple[str, int]], missing: int, after: list[tuple[str, int]]) -> None:
    first = evidence_of(*before)
    resume = START + 1000 * (len(first) + missing)
    second = evidence_of(*after, start_ms=resume)
    skipped = Classifier(units=[UNIT], start_ms=START)
    changes = skipped.step(first) + skipped.step(second)
    filled = Classifier(units=[UNIT], start_ms=START)
    gap = silence(START + 1000 * len(first), missing, 1)
    expected = filled.step(first) + filled.step(gap) + filled.step(second)
    assert changes == expected
    assert told(skipped) == told(filled)
    assert skipped.to_dict()["carry"] == filled.to_dict()["carry"]


@settings(max_examples=60, deadline=None)
@given(SPANS, st.integers(61, 5000), st.sampled_from(["running", "idle", "starved", "off"]), LENGTHS)
def test_a_gap_is_never_evidence(spans: list[tuple[str, int]], gap: int, kind: str, rest: int) -> None:
    """However long the link is gone, no timer but the link's own has moved: the same seconds heard decide the same."""
    outcomes = []
    before = sum(seconds for _, seconds in spans)
    for silent in (61, gap):
        evidence = evidence_of(*spans, ("silent", silent), (kind, rest))
        classifier, changes = run(evidence, [])
        carry = classifier.to_dict()["carry"]
        known = {name: carry[name] for name in ("on", "run", "count", "suspended")}
        idling = {c.idle_since_ms for c in changes if c.idle_since_ms and c.idle_since_ms < START + 1000 * before}
        outcomes.append((known, idling))
    assert outcomes[0] == outcomes[1]


def test_evidence_that_does_not_fit_is_refused() -> None:
    classifier = Classifier(units=[UNIT], start_ms=START)
    evidence = evidence_of(("running", 10))
    classifier.step(evidence)
    with pytest.raises(ValueError, match="begins at"):
        classifier.step(evidence)
    with pytest.raises(ValueError, match="shape"):
        classifier.step(silence(START + 10_000, 5, 2))
    with pytest.raises(ValueError, match="not a whole second"):
        classifier.step(silence(START + 10_001, 5, 1))
    with pytest.raises(ValueError, match="not consecutive"):
        classifier.step(Evidence(**{f.name: getattr(evidence, f.name)[::2] for f in fields(evidence)}))
    assert classifier.step(evidence.between(0, 0)) == []
