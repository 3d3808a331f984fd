"""What an InfluxDB refuses or has not got: named by its own words, made where that is allowed, and never in the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from orewatch.storage import influx_post
from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_setup import ensure
from orewatch.storage.projection import RejectedBy, RollupRows
from orewatch.storage.query import StoreError
from tests.unit.storage.influx_api_stand_in import TOKEN, api_stand_in
from tests.unit.storage.influx_stand_in import Reply, StandIn, stand_in
from tests.unit.storage.test_influx_writer import START_MS, blocks, writing_to

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["1.6.7~rc0", "v2.7.1"], ids=["1.6", "2.7"])
def server(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    with stand_in(request.param) as told:
        yield told


@pytest.mark.parametrize(
    "words",
    [
        '{"error":"partial write: points beyond retention policy dropped=%d"}',
        (
            '{"code":"unprocessable entity","message":"failure writing points: partial write: dropped %d points'
            ' outside retention policy of duration 1h0m0s - oldest point jaw_crusher at 2026-11-01T00:00:00Z dropped"}'
        ),
    ],
)
def test_what_is_too_old_is_named_from_one_answer_because_the_rest_is_stored(server: StandIn, words: str) -> None:
    batch = blocks(7)
    bound_ms = batch[2].header.last_ms

    def decide(lines: bytes) -> Reply:
        old = [line for line in lines.splitlines() if int(line.split()[-1]) <= bound_ms]
        server.kept += [line for line in lines.splitlines() if line not in old]
        return Reply(422, words % len(old)) if old else Reply(204)

    server.decide = decide
    with writing_to(server.url) as writer:
        # As late blocks come: not in the order of their times.
        outcome = writer.write([batch[i] for i in (3, 0, 6, 2, 5, 1, 4)])
    assert (outcome.written, outcome.retry) == (7, False)
    assert sorted((r.header.number, r.reason) for r in outcome.rejected) == [
        (n, RejectedBy.RETENTION) for n in (1, 2, 3)
    ]
    assert len(server.kept) == len(set(server.kept)) == 12
    assert len(server.paths) == 1


def test_the_lines_a_3_core_lists_are_told_in_one_sentence(server: StandIn) -> None:
    told = {
        "error": "partial write of line protocol occurred",
        "data": [
            {"original_line": "jaw_crusher,machine=jaw x=1i", "line_number": 2, "error_message": "invalid column type"},
            {"original_line": "jaw_crusher,machine=jaw x=2i", "line_number": 3, "error_message": "invalid column type"},
        ],
    }
    server.decide = lambda _: Reply(400, json.dumps(told))
    with writing_to(server.url) as writer:
        (rejection,) = writer.write(blocks(1)).rejected
    assert rejection.reason is RejectedBy.FIELD_TYPE
    assert rejection.detail == (
        "partial write of line protocol occurred: 2 lines; line 2 of measurement 'jaw_crusher': invalid column type"
    )


@pytest.mark.parametrize("may_write", [True, False])
def test_missing_buckets_of_a_2x_are_made_where_the_token_may(
    may_write: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with api_stand_in("v2.7.1") as api, stand_in("v2.7.1") as server:
        api.may_write = may_write

        def decide(_: bytes) -> Reply:
            there = any(b["name"] == "orewatch" for b in api.buckets.values())
            return (
                Reply(204) if there else Reply(404, '{"code":"not found","message":"bucket \\"orewatch\\" not found"}')
            )

        server.decide = decide
        setup = InfluxServer(target=InfluxTarget(url=api.url, token=TOKEN))
        monkeypatch.setattr(influx_post, "ensure", lambda _, *args, **named: ensure(setup, *args, **named))
        with caplog.at_level("WARNING"), writing_to(server.url) as writer:
            outcomes = [writer.write(blocks(2)) for _ in range(3)]
        setup.close()
    if may_write:
        assert [o.written for o in outcomes] == [2, 2, 2]
        assert "influxdb: bucket orewatch/hours: made (keeps 3650d)" in caplog.messages
    else:
        assert [(o.written, o.retry) for o in outcomes] == [(0, True)] * 3
        assert 'bucket "orewatch" not found; run: orewatch storage init' in outcomes[-1].detail
        # Tried once, not with every batch.
        assert len([m for m in caplog.messages if "cannot be made" in m]) == 1


def test_rollups_go_to_levels_of_their_own() -> None:
    one = np.array([[1.0]])
    rows = [
        RollupRows(
            unit="pb-01", site="s", province="p", mineral="lead", machine="jaw", cls="jaw_crusher", step_ms=step_ms,
            names=("x",), time_ms=np.array([START_MS]), mean=one, low=one, high=one, last=one, count=np.array([[7]]),
        )
        for step_ms in (60_000, 3_600_000)
    ]  # fmt: skip
    for version, places in (
        ("1.6.7", ["db=orewatch&precision=ms&rp=minutes", "db=orewatch&precision=ms&rp=hours"]),
        ("1.8.10", ["bucket=orewatch%2Fminutes&precision=ms", "bucket=orewatch%2Fhours&precision=ms"]),
    ):
        with stand_in(version) as server, writing_to(server.url) as writer:
            assert writer.write_rollups(rows).written == 2
            assert all(path.endswith(place) for path, place in zip(server.paths, places, strict=True))
            server.decide = lambda lines: Reply(503 if b"_1h" in lines else 204)
            outcome = writer.write_rollups(rows)
            assert (outcome.written, outcome.retry) == (0, True)


@pytest.mark.parametrize("text", ["<html>gateway</html>", '{"results":[{"series":[{"na', "[]", "{}"])
def test_an_answer_to_a_question_that_is_none_is_a_store_that_cannot_be_asked(text: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=text))
    server = InfluxServer(target=InfluxTarget(url="http://influxdb:8086"), transport=transport)
    with pytest.raises(StoreError, match="InfluxDB at http://influxdb:8086 answers as none does"):
        server.query("SHOW MEASUREMENTS")
    server.close()
