"""The writer loses nothing to a server that is away, busy, narrow or picky."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orewatch.storage.influx import InfluxServer, InfluxTarget
from orewatch.storage.influx_writer import InfluxWriter
from orewatch.storage.projection import DecodedBlock, RejectedBy, RollupRows
from orewatch.telemetry.block import decode_block, encode_block, read_header
from orewatch.telemetry.scan import Scans
from orewatch.telemetry.schema import Column, ScanGroup, Schema
from tests.servers import free_port
from tests.unit.storage.influx_stand_in import Reply, StandIn, stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator

START_MS = 1_795_363_200_000
SCHEMA = Schema((ScanGroup("jaw", "jaw_crusher", 1.0, (Column("x", "1", 0.1),)),))


def blocks(count: int, rows: int = 3) -> list[DecodedBlock]:
    made = []
    for number in range(1, count + 1):
        times = START_MS + number * 60_000 + np.arange(rows)
        data = encode_block(
            unit="pb-01",
            site="Nakhlak",
            province="Isfahan",
            mineral="lead",
            spool=b"s" * 16,
            number=number,
            schema=SCHEMA,
            scans=[Scans(0, times, np.full((rows, 1), number))],
        )
        made.append(DecodedBlock(read_header(data), SCHEMA, decode_block(data, SCHEMA)))
    return made


def has(block: DecodedBlock, lines: bytes) -> bool:
    return b" %d\n" % block.header.first_ms in lines


@contextmanager
def writing_to(url: str, **settings: object) -> Iterator[InfluxWriter]:
    server = InfluxServer(target=InfluxTarget(url=url, token="secret", timeout_s=5))
    writer = InfluxWriter(server=server, jitter=lambda: 1.0, **settings)  # type: ignore[arg-type]
    try:
        yield writer
    finally:
        writer.close()
        server.close()


@pytest.fixture(params=["1.6.7~rc0", "v2.7.1"], ids=["1.6", "2.7"])
def server(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    with stand_in(request.param) as told:
        yield told


@pytest.mark.parametrize("version", ["1.6.7~rc0", "1.7.11", "1.8.10", "v2.7.1", "v2.7.12", "3.0.1-core", "", "dev"])
def test_every_version_is_written_its_way(version: str) -> None:
    with stand_in(version) as server:
        _check_way(server)


def _check_way(server: StandIn) -> None:
    with writing_to(server.url) as writer:
        outcome = writer.write(blocks(4))
    assert (outcome.written, outcome.retry, outcome.rejected) == (4, False, ())
    assert len(server.kept) == 12
    (path,) = server.paths
    (headers,) = server.headers
    expected = (
        "/write?db=orewatch"
        if server.version.startswith(("1.6", "1.7"))
        else "/api/v2/write?org=orewatch&bucket=orewatch"
    )
    assert path == f"{expected}&precision=ms"
    assert headers["Authorization"] == "Token secret"
    assert headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again_without_end(server: StandIn, status: int) -> None:
    server.decide = lambda _: Reply(status, "not now")
    batch = blocks(3)
    with writing_to(server.url) as writer:
        waits = []
        for _ in range(9):
            outcome = writer.write(batch)
            assert (outcome.written, outcome.retry, outcome.rejected) == (0, True, ())
            assert outcome.detail.startswith(f"{status}: not now")
            assert ("orewatch storage init" in outcome.detail) is (status == 404)
            assert ("influx.token" in outcome.detail) is (status in {401, 403})
            waits.append(outcome.wait_s)
        assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        server.decide = lambda _: Reply(204)
        assert writer.write(batch).written == 3
        server.decide = lambda _: Reply(500)
        assert writer.write(batch).wait_s == 1
    assert len(server.kept) == 9


def test_the_server_may_ask_for_a_longer_wait(server: StandIn) -> None:
    server.decide = lambda _: Reply(429, headers={"Retry-After": "75"})
    with writing_to(server.url) as writer:
        assert writer.write(blocks(1)).wait_s == 75


def test_a_server_that_is_away_is_tried_again_and_may_come_back_as_another() -> None:
    port = free_port()
    with writing_to(f"http://127.0.0.1:{port}") as writer:
        for _ in range(3):
            outcome = writer.write(blocks(2))
            assert (outcome.written, outcome.retry) == (0, True)
            assert outcome.detail.startswith("unreachable: ")


def test_too_large_batches_are_halved_down_to_lines(server: StandIn) -> None:
    server.decide = lambda lines: Reply(413) if lines.count(b"\n") > 2 else Reply(204)
    with writing_to(server.url) as writer:
        outcome = writer.write(blocks(5, rows=7))
    assert (outcome.written, outcome.retry, outcome.rejected) == (5, False, ())
    assert len(set(server.kept)) == 35


def test_a_line_too_large_for_the_server_is_a_dead_letter_and_the_rest_goes_on(server: StandIn) -> None:
    batch = blocks(4)
    server.decide = lambda lines: Reply(413) if has(batch[2], lines) else Reply(204)
    with writing_to(server.url) as writer:
        outcome = writer.write(batch)
    assert outcome.written == 4
    assert [(r.header.number, r.reason) for r in outcome.rejected] == [(3, RejectedBy.TOO_LARGE)]
    assert len(set(server.kept)) == 11


def test_bodies_stay_below_our_own_bound(server: StandIn) -> None:
    sizes: list[int] = []

    def decide(lines: bytes) -> Reply:
        sizes.append(len(lines))
        return Reply(204)

    server.decide = decide
    with writing_to(server.url, max_body_bytes=1000) as writer:
        assert writer.write(blocks(20)).written == 20
    assert max(sizes) <= 1000
    assert len(server.kept) == len(set(server.kept)) == 60
    assert server.kept == sorted(server.kept, key=lambda line: int(line.split()[-1]))


@pytest.mark.parametrize(
    ("status", "words", "reason"),
    [
        (400, "partial write: field type conflict: input field x is float, already integer", RejectedBy.FIELD_TYPE),
        (400, "invalid column type for column 'x', expected float, got integer", RejectedBy.FIELD_TYPE),
        (422, "points beyond the bucket's retention policy, as nobody has said it yet", RejectedBy.RETENTION),
        (400, "unable to parse 'x'", RejectedBy.MALFORMED),
    ],
)
@pytest.mark.parametrize("bad", [(0,), (6,), (2, 3), tuple(range(7))])
def test_bad_blocks_are_found_and_block_nothing(
    server: StandIn, status: int, words: str, reason: RejectedBy, bad: tuple[int, ...]
) -> None:
    batch = blocks(7)
    server.decide = lambda lines: Reply(status, words) if any(has(batch[i], lines) for i in bad) else Reply(204)
    with writing_to(server.url) as writer:
        outcome = writer.write(batch)
    assert (outcome.written, outcome.retry) == (7, False)
    assert [(r.header.number - 1, r.reason, r.detail) for r in outcome.rejected] == [(i, reason, words) for i in bad]
    assert len(set(server.kept)) == 3 * (7 - len(bad))


def test_a_failure_amid_a_batch_keeps_what_was_done(server: StandIn) -> None:
    batch = blocks(4)

    def decide(lines: bytes) -> Reply:
        if lines.count(b"\n") > 3:
            return Reply(413)
        return Reply(503) if has(batch[2], lines) else Reply(204)

    server.decide = decide
    with writing_to(server.url) as writer:
        outcome = writer.write(batch)
        assert (outcome.written, outcome.retry) == (2, True)
        server.decide = lambda _: Reply(204)
        assert writer.write(batch[outcome.written :]).written == 2
    assert len(set(server.kept)) == 12


def test_nothing_to_write_asks_nobody() -> None:
    with writing_to(f"http://127.0.0.1:{free_port()}") as writer:
        assert writer.write([]).written == 0
        assert not writer.write_rollups([]).retry


def test_rollups_go_the_same_way(server: StandIn) -> None:
    one = np.array([[1.0]])
    rows = RollupRows(
        unit="pb-01", site="s", province="p", mineral="lead", machine="jaw", cls="jaw_crusher", step_ms=3_600_000,
        names=("x",), time_ms=np.array([START_MS]), mean=one, low=one, high=one, last=one,
        count=np.array([[7]]),
    )  # fmt: skip
    with writing_to(server.url) as writer:
        assert writer.write_rollups([rows]).written == 1
        server.decide = lambda _: Reply(400, "no")
        outcome = writer.write_rollups([rows])
        assert outcome.written == 1
        assert [(r.rows.machine, r.reason, r.detail) for r in outcome.refused] == [("jaw", RejectedBy.MALFORMED, "no")]
    assert server.kept[0].startswith(b"jaw_crusher_1h,machine=jaw,")


def test_targets_are_checked() -> None:
    with pytest.raises(ValueError, match="url: 'influx:8086'; allowed: http"):
        InfluxTarget(url="influx:8086")
    with pytest.raises(ValueError, match="database: empty"):
        InfluxTarget(url="http://x", database="")
    with pytest.raises(ValueError, match="timeout_s: 0"):
        InfluxTarget(url="http://x", timeout_s=0)
    assert "secret" not in repr(InfluxTarget(url="http://x", token="secret", password="secret"))
