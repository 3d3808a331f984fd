"""When orewatch itself is in trouble: each condition, and the words for it."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.alerting.models import OWN_KINDS, AlertKind
from api.health.conditions import CONDITIONS, Else, Trouble, collector_behind, store_down
from api.health.look import clock_sign
from api.notify import own_texts
from api.notify.texts import message, sentences
from orewatch.plant.unit import OREWATCH, UnitError
from orewatch.storage.disk import Room
from tests.unit.api.made_plant import T0, made_unit
from tests.unit.api.made_signs import BEHIND, GIB, NOTHING_KNOWN, TROUBLES, WAITING, WELL, record_of, with_collector

if TYPE_CHECKING:
    from api.health.signs import Signs


def found_in(signs: Signs) -> dict[AlertKind, str]:
    results = {c.kind: c.of(signs) for c in CONDITIONS}
    return {kind: result.reason for kind, result in results.items() if isinstance(result, Trouble)}


def test_where_all_is_well_or_nothing_is_known_there_is_no_trouble() -> None:
    assert found_in(WELL) == {}
    assert found_in(NOTHING_KNOWN) == {}, "a first start, without a collector, without a store asked yet"


@pytest.mark.parametrize(("kind", "reason", "signs"), TROUBLES)
def test_each_trouble_is_found_and_has_words(kind: AlertKind, reason: str, signs: Signs) -> None:
    assert found_in(signs) == {kind: reason}
    trouble = next(c for c in CONDITIONS if c.kind is kind).of(signs)
    assert isinstance(trouble, Trouble)
    said = sentences(record_of(kind, trouble), None)
    assert "?" not in said["en"] + said["fa"], "every figure that the words want is there"
    assert not set(said["fa"].replace("influxdb", "")) & set(string.ascii_letters + string.digits)


def test_every_reason_is_tried_above() -> None:
    assert {(kind, reason) for kind, reason, _ in TROUBLES} == own_texts.reasons()
    assert {c.kind for c in CONDITIONS} == set(OWN_KINDS)


def test_a_silent_collector_is_told_once_not_three_times() -> None:
    """What it last wrote is no news: neither its queue nor its stores count any more."""
    stale = replace(
        with_collector(broker_connected=False, projections=(WAITING,), queue_bytes=999), collector_age_s=500.0
    )
    assert found_in(stale) == {AlertKind.COLLECTOR_SILENT: "no_record"}


def test_a_store_that_is_down_is_not_also_behind() -> None:
    assert found_in(with_collector(projections=(WAITING,))) == {AlertKind.STORE_DOWN: "unwritable"}


def test_letters_name_a_store_without_the_number_of_its_file() -> None:
    for of, signs in ((collector_behind, BEHIND), (store_down, WAITING)):
        found = of(with_collector(projections=(signs.model_copy(update={"name": "embedded-d2ab43e5"}),)))
        assert isinstance(found, Trouble)
        assert found.figures["store"] == "embedded"


def test_a_small_share_of_a_large_disk_is_plenty() -> None:
    assert found_in(replace(WELL, disk=Room(40 * GIB, 2000 * GIB, None))) == {}


def test_a_small_disk_is_not_always_full() -> None:
    assert found_in(replace(WELL, disk=Room(GIB // 3, GIB // 2, None))) == {}
    assert found_in(replace(WELL, disk=Room(GIB // 5, GIB // 2, None))) == {AlertKind.DISK_FILLING: "scarce"}


@pytest.mark.parametrize(
    ("lags", "ahead"),
    [
        ([100, 200, -300, 50], 0.0),
        ([3_600_000, 3_600_100, 3_600_200, 100], -3600.1),
        ([-90_000] * 3, 90.0),
        ([3_600_000, 100, 200, 300], 0.0),
        ([3_600_000, 3_600_000, -3_600_000, -3_600_000], 0.0),
        ([3_600_000, 3_600_000], None),
    ],
)
def test_the_clock_that_is_wrong_is_ours_only_where_most_units_say_so(lags: list[int], ahead: float | None) -> None:
    told = clock_sign([(T0, lag) for lag in lags] + [(None, 9_000_000), (T0 - 600_000, 9_000_000), (T0, None)], T0)
    assert told.units_ahead_s == (None if ahead is None else pytest.approx(ahead, abs=0.2))


def test_letters_link_to_the_alert_for_there_is_no_unit() -> None:
    record = record_of(AlertKind.STORE_DOWN, Trouble("unreadable"))
    letter = message(record, "raised", "en", "https://mine.example/")
    assert letter.body.endswith("https://mine.example/alerts/7")
    over = message(replace(record, cleared_ms=T0 + 5_400_000), "cleared", "en", None)
    assert over.title == "orewatch: store down - over"
    assert "after 1.5 h" in over.body


def test_a_reason_of_another_version_still_has_a_name() -> None:
    assert sentences(record_of(AlertKind.STORE_DOWN, Trouble("melted")), None)["en"] == "store down."


def test_no_unit_can_be_called_so() -> None:
    with pytest.raises(UnitError, match="stands for orewatch itself"):
        made_unit(OREWATCH)


def test_unknown_is_a_word_of_its_own() -> None:
    assert {c.kind for c in CONDITIONS if c.of(NOTHING_KNOWN) is Else.UNKNOWN} == {
        AlertKind.STORE_DOWN,
        AlertKind.DISK_FILLING,
        AlertKind.CERTIFICATE_AGEING,
        AlertKind.SERVER_CLOCK,
    }
