from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.commands import CommandError, read_acknowledgement, read_resend

GOOD = {"collector": "orewatch", "store": "ab", "spool": "cd", "ids": [[1, 3], [7, 7]]}


def test_an_acknowledgement_is_read() -> None:
    said = read_acknowledgement(json.dumps(GOOD))
    assert (said.collector, said.store, said.spool, said.ranges) == ("orewatch", "ab", "cd", ((1, 3), (7, 7)))


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": [[3, 1]]},
        {"ids": [[0, 1]]},
        {"ids": [[1, 2**63]]},
        {"ids": [["1", "2"]]},
        {"ids": [[1]]},
        {"ids": [[1.0, 2.0]]},
        {"ids": "1-3"},
        {"ids": [[1, 1]] * 10_001},
        {"collector": None},
        {"spool": 7},
    ],
)
def test_a_wrong_acknowledgement_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(CommandError, match="allowed"):
        read_acknowledgement(json.dumps({**GOOD, **changes}))


@given(st.none() | st.binary() | st.text() | st.recursive(st.integers(), st.lists).map(json.dumps))
def test_no_text_at_all_is_a_crash(text: object) -> None:
    for read in (read_acknowledgement, read_resend):
        with pytest.raises(CommandError):
            read(text)


def test_nothing_nested_to_death_is_a_crash() -> None:
    with pytest.raises(CommandError):
        read_acknowledgement("[" * 100_000)


@pytest.mark.parametrize("span", [(5, 4), (-1, 4), ("0", 4), (None, None), (1.5, 2)])
def test_a_wrong_span_is_refused(span: tuple[object, object]) -> None:
    with pytest.raises(CommandError, match="allowed"):
        read_resend(json.dumps({"collector": "orewatch", "from_ms": span[0], "to_ms": span[1]}))
