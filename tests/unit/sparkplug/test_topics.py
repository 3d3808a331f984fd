from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orewatch.sparkplug.topics import (
    Topic,
    TopicError,
    Verb,
    check_id,
    device_topic,
    node_topic,
    parse_topic,
    state_topic,
)

GOOD = [
    ("spBv1.0/g/NBIRTH/n", Topic("g", Verb.NBIRTH, "n")),
    ("spBv1.0/g/NCMD/n", Topic("g", Verb.NCMD, "n")),
    ("spBv1.0/g 1/DDATA/n-1/jaw", Topic("g 1", Verb.DDATA, "n-1", "jaw")),
    ("spBv1.0/معدن/DDEATH/سرب/d", Topic("معدن", Verb.DDEATH, "سرب", "d")),
    ("spBv1.0/STATE/host", Topic("", Verb.STATE, "host")),
]
BAD = [
    "",
    "spBv1.0",
    "spAv1.0/g/NBIRTH/n",
    "spBv1.0/g/NBIRTH",
    "spBv1.0/g/NBIRTH/n/d",
    "spBv1.0/g/DDATA/n",
    "spBv1.0/g/DDATA/n/d/e",
    "spBv1.0/g/nbirth/n",
    "spBv1.0/g/STATE/n",
    "spBv1.0//NBIRTH/n",
    "spBv1.0/g/NBIRTH/",
    "spBv1.0/g/DDATA/n/",
    "spBv1.0/STATE/",
    "STATE/host",
]


@pytest.mark.parametrize(("text", "topic"), GOOD)
def test_a_topic_reads_and_writes_the_same(text: str, topic: Topic) -> None:
    assert parse_topic(text) == topic
    assert str(topic) == text


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_sparkplug_topic_is_refused(text: str) -> None:
    with pytest.raises(TopicError):
        parse_topic(text)


@pytest.mark.parametrize("text", ["", "a+b", "a/b", "a#b", "a\0b", "\ud800", "x" * 9000])
def test_an_id_that_mqtt_or_sparkplug_forbids_is_refused_by_name(text: str) -> None:
    with pytest.raises(TopicError, match="node id"):
        check_id(text, "node id")


def test_topics_are_built_from_checked_ids() -> None:
    assert node_topic("g", Verb.NDATA, "n") == "spBv1.0/g/NDATA/n"
    assert device_topic("g", Verb.DCMD, "n", "d") == "spBv1.0/g/DCMD/n/d"
    assert state_topic("h") == "spBv1.0/STATE/h"
    with pytest.raises(TopicError, match="group id"):
        node_topic("g/h", Verb.NDATA, "n")


@given(st.text())
def test_any_text_is_a_topic_or_a_topic_error(text: str) -> None:
    for candidate in (text, f"spBv1.0/{text}", f"spBv1.0/g/NDATA/{text}"):
        with contextlib.suppress(TopicError):
            assert str(parse_topic(candidate)) == candidate
