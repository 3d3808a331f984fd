"""Points with words go through a real server and come back as they were; what a server refuses is counted."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.levels import Level
from orewatch.storage.point_writer import PointWriter
from orewatch.storage.points import LONGEST_TEXT, Point, encode_points, stored_text
from tests.unit.storage.influx_stand_in import Reply, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator

T0 = 1_795_000_000_000
_times = itertools.count(T0)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="\"\\\n ,='#سنگ؛\u200cn", max_size=12),
)


def point(time_ms: int = T0, *, unit: str = "mn-01", **fields: float | str | None) -> Point:
    return Point(measurement="told", tags={"unit": unit, "site": ""}, fields=fields, time_ms=time_ms)


@pytest.fixture
def server(influxd: str) -> Iterator[InfluxServer]:
    server = InfluxServer(target=InfluxTarget(url=influxd, database="points"))
    server.http.post("/query", params={"q": "CREATE DATABASE points"})
    yield server
    server.close()


@given(told=st.lists(st.tuples(TEXTS, st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_words_come_back_as_they_were(server: InfluxServer, told: list[tuple[str, float]]) -> None:
    points = [point(next(_times), text=text, after="x", figure=figure) for text, figure in told]
    assert not PointWriter(server=server, name="points").write(points).retry
    first_ms, last_ms = points[0].time_ms, points[-1].time_ms
    (answer,) = server.query(f"SELECT text, after, figure FROM told WHERE time >= {first_ms}ms AND time <= {last_ms}ms")
    kept = [(text, after, float(figure)) for _, text, after, figure in answer[0].values]
    assert kept == [(stored_text(text), "x", figure) for text, figure in told]


def test_what_is_not_known_is_left_out() -> None:
    lines = encode_points([point(a=None, b=float("nan"), c=1), point(a=None), point(time="x")])
    assert lines == f'told,unit=mn-01 c=1.0 {T0}\ntold,unit=mn-01 time_="x" {T0}\n'.encode()
    assert len(encode_points([point(text="ب" * 9 * LONGEST_TEXT)])) < 3 * LONGEST_TEXT


def test_a_server_that_keeps_the_rest_says_how_many_it_dropped(server: InfluxServer) -> None:
    writer = PointWriter(server=server, name="points")
    at_ms = next(_times)
    writer.write([point(at_ms, kind=1.0)])
    outcome = writer.write([point(at_ms, kind="word"), point(at_ms, unit="mn-02", kind=2.0)])
    assert (outcome.retry, writer.written, dict(writer.refused)) == (False, 2, {"field_type": 1})
    (answer,) = server.query(f"SELECT kind FROM told WHERE time = {at_ms}ms AND unit = 'mn-02'")
    assert answer[0].values == [[at_ms, 2]]


def test_a_level_that_is_not_there_is_waited_for(server: InfluxServer) -> None:
    writer = PointWriter(server=server, name="points", level=Level.MINUTES, jitter=lambda: 1.0)
    outcomes = [writer.write([point(a=1.0)]) for _ in range(8)]
    assert [(o.retry, o.wait_s) for o in outcomes] == [(True, s) for s in (1, 2, 4, 8, 16, 32, 60, 60)]
    assert "retention policy not found" in outcomes[0].detail
    server.query('CREATE RETENTION POLICY "minutes" ON "points" DURATION INF REPLICATION 1')
    assert not writer.write([point(a=1.0)]).retry
    (answer,) = server.query('SELECT a FROM "minutes".told')
    assert answer[0].values == [[T0, 1]]


def test_a_bucket_of_a_level_is_named_by_both() -> None:
    with stand_in("v2.7.1") as told:
        server = InfluxServer(target=InfluxTarget(url=told.url, database="ore", token="t"))
        for level in (Level.RAW, Level.HOURS):
            writer = PointWriter(server=server, name="points", level=level)
            writer.write([point(a=1.0)])
            writer.close()
        server.close()
    assert ["bucket=ore&" in told.paths[0], "bucket=ore%2Fhours&" in told.paths[1]] == [True, True]


@pytest.mark.parametrize(("status", "reason"), [(422, "malformed"), (413, "too_large")])
def test_a_point_that_is_refused_does_not_stop_the_others(status: int, reason: str) -> None:
    with stand_in() as told:
        told.decide = lambda lines: Reply(status, "no") if b"bad" in lines else Reply(204)
        server = InfluxServer(target=InfluxTarget(url=told.url))
        writer = PointWriter(server=server, name="points")
        outcome = writer.write([point(T0 + n, text="bad" if n == 5 else "good") for n in range(9)])
        writer.close()
        server.close()
    assert (outcome.retry, writer.written, dict(writer.refused), len(told.kept)) == (False, 8, {reason: 1}, 8)
