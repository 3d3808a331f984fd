"""The bad days of a real InfluxDB: away, killed, full, emptied, locked, narrow. Each ends with nothing lost."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from collector.counters import Counters
from collector.project import Projector
from orewatch.storage.influx_setup import ensure
from orewatch.storage.journal import Journal, JournalEntry, Verdict
from orewatch.storage.levels import FOREVER, Level, Retention
from orewatch.storage.registry import CounterKey
from orewatch.telemetry.block import read_header
from tests.servers import free_port, influxd_process, running_influxd
from tests.unit.collector.collector_harness import NOW_MS, SCHEMA, block
from tests.unit.collector.influx_harness import Influx, assert_whole, journal_values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from collector.project import Step

MINUTE_MS = 60_000
HOURS = 6
UNITS = ("pb-01", "zn-02", "mn-03")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(tmp_path / "journal.db")
    journal.put_schemas([SCHEMA])
    yield journal
    journal.close()


def commit(journal: Journal, minute: int, *, start_ms: int = NOW_MS, units: tuple[str, ...] = UNITS) -> None:
    """Journal a minute of every unit."""
    at_ms = start_ms + minute * MINUTE_MS
    data = [block(minute + 1, start_ms=at_ms, seconds=12, unit=unit, value=7 * minute) for unit in units]
    journal.commit([JournalEntry(read_header(d), d, at_ms) for d in data])


@contextlib.contextmanager
def projected(
    journal: Journal, url: str, retention: Retention = FOREVER, **who: str
) -> Iterator[tuple[Influx, Projector, Counters]]:
    influx = Influx(url, "orewatch", retention=retention, **who)
    counters = Counters()
    try:
        yield influx, Projector(journal=journal, projection=influx.writer, counters=counters, batch=64), counters
    finally:
        influx.close()


def drained(projector: Projector, now_ms: int) -> None:
    """Drain, whatever waits the store asks for."""
    for _ in range(200):
        if projector.drain(now_ms):
            return
    pytest.fail("never caught up")


def test_away_for_six_hours_under_load(tmp_path: Path, journal: Journal) -> None:
    port = free_port()
    waits = []
    with projected(journal, f"http://127.0.0.1:{port}") as (influx, projector, counters):
        with running_influxd(tmp_path, port):
            for minute in range(30):
                commit(journal, minute)
                projector.step(NOW_MS + minute * MINUTE_MS)
        for minute in range(30, 60 * HOURS):
            commit(journal, minute)
            step: Step = projector.step(NOW_MS + minute * MINUTE_MS)
            waits.append(step.wait_s)
            assert step.moved == 0
        assert max(waits) <= 60
        assert journal.newest_position() == 60 * HOURS * len(UNITS)
        with running_influxd(tmp_path, port):
            drained(projector, NOW_MS + HOURS * 60 * MINUTE_MS)
            assert_whole(journal, influx)
        assert counters.totals()[CounterKey("", "projection_retries", "influxdb")] == len(waits)
    assert journal.letters_kept(Verdict.REJECTED) == 0


def test_killed_again_and_again_while_it_is_written(tmp_path: Path, journal: Journal) -> None:
    port = free_port()
    for minute in range(240):
        commit(journal, minute)
    kills = 0
    with projected(journal, f"http://127.0.0.1:{port}") as (influx, projector, _):
        while kills < 4:
            with influxd_process(tmp_path, port) as (_, process):
                timer = threading.Timer(0.02 + 0.03 * kills, process.kill)
                timer.start()
                step = projector.step(NOW_MS)
                while not step.wait_s and step.moved:
                    step = projector.step(NOW_MS)
                timer.join()
                process.wait(10)
            kills += 1
            if not step.wait_s:
                # It had written everything before the kill came: again from the beginning.
                projector.restart(0)
        with running_influxd(tmp_path, port):
            drained(projector, NOW_MS)
            assert_whole(journal, influx)


def test_a_full_disk(tmp_path: Path, journal: Journal) -> None:
    port = free_port()
    for minute in range(120):
        commit(journal, minute)
    with projected(journal, f"http://127.0.0.1:{port}") as (influx, projector, _):
        with influxd_process(tmp_path, port, file_bytes=30_000):
            for _ in range(20):
                step = projector.step(NOW_MS)
                if step.wait_s:
                    break
            assert step.wait_s
            behind = journal.newest_position() - journal.position("influxdb")
        assert behind > 0
        # Room again, and a restart: a 1.6 whose log could not be written answers nothing but timeouts.
        with running_influxd(tmp_path, port):
            drained(projector, NOW_MS)
            assert_whole(journal, influx)
    assert journal.letters_kept(Verdict.REJECTED) == 0


def test_the_database_is_dropped_under_the_collector(tmp_path: Path, journal: Journal) -> None:
    with running_influxd(tmp_path) as url, projected(journal, url) as (influx, projector, _):
        for minute in range(20):
            commit(journal, minute)
        assert projector.drain(NOW_MS)
        influx.server.http.post("/query", data={"q": 'DROP DATABASE "orewatch"'})
        for minute in range(20, 40):
            commit(journal, minute)
        # It is made again, and takes what is new; the rest is there when somebody asks for it again.
        assert projector.drain(NOW_MS)
        assert 0 < len(influx.values()) < len(journal_values(journal))
        projector.restart(0)
        assert projector.drain(NOW_MS)
        assert_whole(journal, influx)


def test_a_level_is_dropped_under_the_collector(tmp_path: Path, journal: Journal) -> None:
    with running_influxd(tmp_path) as url, projected(journal, url) as (influx, projector, _):
        commit(journal, 0)
        assert projector.drain(NOW_MS)
        influx.server.query('DROP RETENTION POLICY "minutes" ON "orewatch"')
        commit(journal, 1)
        assert projector.drain(NOW_MS)
        projector.restart(0)
        assert projector.drain(NOW_MS)
        assert_whole(journal, influx)


def _asked(url: str, statement: str, *who: str) -> httpx.Response:
    auth = (who[0], who[1]) if who else None
    return httpx.post(f"{url}/query", data={"q": statement}, auth=auth, trust_env=False)


def test_a_wrong_password_and_one_that_may_not_make_a_database(
    tmp_path: Path, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    commit(journal, 0)
    with influxd_process(tmp_path, with_accounts=True) as (url, _):
        _asked(url, "CREATE USER admin WITH PASSWORD 'a' WITH ALL PRIVILEGES")
        _asked(url, "CREATE USER collector WITH PASSWORD 'c'", "admin", "a")
        with projected(journal, url, username="collector", password="stale") as (_, projector, _counters):
            assert not projector.drain(NOW_MS)
        assert "look at the settings influx.token, influx.username and influx.password" in caplog.text
        with projected(journal, url, username="collector", password="c") as (influx, projector, _counters):
            assert not projector.drain(NOW_MS)
            admin = Influx(url, "orewatch", username="admin", password="a")
            ensure(admin.server, FOREVER, now_ms=NOW_MS)
            _asked(url, 'GRANT ALL ON "orewatch" TO collector', "admin", "a")
            drained(projector, NOW_MS)
            assert_whole(journal, influx)
            admin.close()
    assert "stale" not in caplog.text
    assert journal.letters_kept(Verdict.REJECTED) == 0


def test_late_data_beyond_the_raw_retention_is_counted_and_its_rollups_go_in(tmp_path: Path, journal: Journal) -> None:
    now_ms = time.time_ns() // 1_000_000
    old_ms, fresh_ms = ((now_ms - days * 86_400_000) // MINUTE_MS * MINUTE_MS for days in (40, 1))
    for minute in range(10):
        commit(journal, minute, start_ms=fresh_ms, units=("pb-01",))
        commit(journal, minute, start_ms=old_ms, units=("zn-02",))
    with running_influxd(tmp_path) as url, projected(journal, url, Retention()) as (influx, projector, counters):
        assert projector.drain(now_ms)
        wanted = {key: value for key, value in journal_values(journal).items() if key[1] == "pb-01"}
        assert influx.values() == wanted
        assert_whole(journal, influx, raw=False)
        assert counters.totals()[CounterKey("zn-02", "not_projected", "influxdb:retention")] == 10
    assert journal.letters_kept(Verdict.REJECTED) == 0


def test_a_field_whose_type_somebody_else_fixed_wrongly(tmp_path: Path, journal: Journal) -> None:
    commit(journal, 0)
    with running_influxd(tmp_path) as url, projected(journal, url) as (influx, projector, _):
        ensure(influx.server, FOREVER, now_ms=NOW_MS)
        for policy, line in (("autogen", "jaw_crusher load=1i"), ("minutes", "jaw_crusher_1m max_load=1i")):
            params = {"db": "orewatch", "rp": policy, "precision": "ms"}
            assert influx.server.http.post("/write", params=params, content=f"{line} {NOW_MS}").is_success
        assert projector.drain(NOW_MS)
        letters = journal.dead_letters()
        assert {letter.reason for letter in letters} == {"influxdb:field_type"}
        assert len(letters) == 2 * len(UNITS)
        words = {letter.detail.partition("field type conflict: ")[2] for letter in letters}
        assert any('"load" on measurement "jaw_crusher" is type float' in w for w in words)
        assert any('"max_load" on measurement "jaw_crusher_1m" is type float' in w for w in words)
        # What could be stored is stored: hours were never in doubt.
        assert influx.values(Level.HOURS)
