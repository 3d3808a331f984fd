"""What ``/readyz`` says of what is well, missing, or not known."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from api.health.readiness import answer_of, checks_of
from api.health.signs import MirrorSign, Signs
from tests.unit.api.made_signs import NOTHING_KNOWN, TROUBLES, WELL

if TYPE_CHECKING:
    from api.alerting.models import AlertKind


def shown(signs: Signs, *, full: bool = True) -> dict[str, Any]:
    return answer_of(checks_of(signs), full=full)


def test_readiness_of_a_service_that_is_well() -> None:
    told = shown(WELL)
    assert (told["status"], told["degraded"]) == ("ready", [])
    assert all(check["ok"] for check in told["checks"].values())
    assert "influxdb 0 blocks (0 s)" in told["checks"]["collector"]["detail"]


@pytest.mark.parametrize(("kind", "reason", "signs"), TROUBLES)
def test_readiness_names_what_is_missing_and_goes_on(kind: AlertKind, reason: str, signs: Signs) -> None:
    told = shown(signs)
    assert told["status"] == "ready", (kind, reason)
    (name,) = told["degraded"]
    assert told["checks"][name]["detail"]
    assert told["checks"][name]["remedy"]


def test_readiness_without_a_token_names_no_hosts_and_no_figures() -> None:
    for _, _, signs in TROUBLES:
        for check in shown(signs, full=False)["checks"].values():
            assert set(check) == {"ok", "detail"}
            assert not set(check["detail"]) & set(string.digits), check
    assert "10.1.2.3" in shown(TROUBLES[4][2])["checks"]["store"]["detail"]


def test_boards_that_are_served_late_are_named_where_there_are_any() -> None:
    assert "mirror" not in shown(WELL)["checks"]
    for behind_s, fine in ((None, None), (30.0, True), (900.0, False)):
        told = shown(replace(WELL, mirror=MirrorSign(behind_s=behind_s, owed=4)))
        assert told["checks"]["mirror"]["ok"] is fine
        assert told["degraded"] == (["mirror"] if fine is False else [])


def test_without_the_broker_or_the_watch_it_is_not_ready() -> None:
    told = shown(replace(WELL, broker_connected=False))
    assert (told["status"], told["checks"]["broker"]["ok"], told["degraded"]) == ("not ready", False, [])
    assert shown(replace(WELL, watching=False))["status"] == "not ready"


def test_what_is_not_known_yet_is_neither_well_nor_missing() -> None:
    told = shown(replace(NOTHING_KNOWN, watching=True, broker_connected=True, caught_up=True))
    assert (told["status"], told["degraded"]) == ("ready", [])
    assert {name for name, check in told["checks"].items() if check["ok"] is None} == {
        "collector",
        "store",
        "disk",
        "clock",
    }
