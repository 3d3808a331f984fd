"""``orewatch storage`` as people use it: init, status, project, and what each says when something is wrong."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest

from collector.counters import Counters
from collector.project import Projector
from collector.span_times import span_time, spoken_time
from collector.storage_status import spoken_seconds
from orewatch.cli import main
from orewatch.storage.dead_letters import DeadLetter, Verdict
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.telemetry.block import read_header
from tests.servers import free_port
from tests.unit.collector.collector_harness import NOW_MS, SCHEMA, block
from tests.unit.collector.influx_harness import Influx, assert_whole

if TYPE_CHECKING:
    from pathlib import Path

_names = itertools.count()
HOUR_MS = 3_600_000


def settings(folder: Path, url: str | None = None, *, database: str = "", days: int = 36_500) -> Path:
    lines = [f'data_dir = "{folder}"']
    if url:
        lines += ["[influx]", f'url = "{url}"', f'bucket = "{database}"']
        lines += ["[retention]", *(f"{level}_days = {days}" for level in ("raw", "minutes", "hours"))]
    file = folder / "collector.toml"
    file.write_text("\n".join(lines))
    return file


def journal_of(folder: Path, *units: str) -> Journal:
    journal = Journal.open(folder / "journal.db")
    journal.put_schemas([SCHEMA])
    for unit in units:
        data = [block(n + 1, start_ms=NOW_MS - HOUR_MS + n * 60_000, unit=unit) for n in range(20)]
        journal.commit([JournalEntry(read_header(d), d, NOW_MS) for d in data])
    return journal


def ran(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    code = main(["storage", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_init_makes_the_levels_and_says_so(tmp_path: Path, influxd: str, capsys: pytest.CaptureFixture[str]) -> None:
    database = f"command{next(_names)}"
    file = settings(tmp_path, influxd, database=database, days=40)
    code, out, _ = ran(capsys, "init", "--config", file)
    assert code == 0
    assert out.splitlines() == [
        f"database {database}: made",
        "retention policy autogen: altered (kept for ever, keeps 40d)",
        "retention policy minutes: made (keeps 40d)",
        "retention policy hours: made (keeps 40d)",
    ]
    assert ran(capsys, "init", "--config", file)[1].count("already so") == 4
    shorter = settings(tmp_path, influxd, database=database, days=20)
    code, out, _ = ran(capsys, "init", "--config", shorter)
    assert (code, out.count("left (keeps 40d, the settings say 20d; --force shortens it")) == (0, 3)
    assert ran(capsys, "init", "--force", "--config", shorter)[1].count("kept 40d, keeps 20d") == 3


def test_init_without_a_server_or_an_influxdb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "init", "--config", settings(tmp_path))
    assert (code, "no [influx] in the settings" in out) == (0, True)
    url = f"http://127.0.0.1:{free_port()}"
    code, _, err = ran(capsys, "init", "--config", settings(tmp_path, url, database="x"))
    assert code == 1
    assert err.startswith(f"orewatch storage init: InfluxDB at {url}: ConnectError")


def test_status_tells_each_store_apart(tmp_path: Path, influxd: str, capsys: pytest.CaptureFixture[str]) -> None:
    journal = journal_of(tmp_path, "pb-01")
    tables = RollupTables.open(tmp_path / "rollups.db")
    projection = EmbeddedProjection(tables=tables)
    Projector(journal=journal, projection=projection, counters=Counters()).drain(NOW_MS)
    letter = DeadLetter(
        unit="pb-01", verdict=Verdict.REJECTED, reason="influxdb:field_type", detail="", received_ms=1, data=b"1"
    )
    journal.commit([], [letter])
    database = f"command{next(_names)}"
    code, out, _ = ran(capsys, "status", "--config", settings(tmp_path, influxd, database=database))
    lines = out.splitlines()
    assert lines[0] == f"journal {tmp_path / 'journal.db'}: newest position 20"
    assert lines[1] == f"{projection.name}: position 20 of 20, nothing behind; all rolled up; reachable"
    assert re.fullmatch(
        r"influxdb: position 0 of 20, 20 blocks behind, the oldest for \S+ \w+; all rolled up; away: .*", lines[2]
    )
    assert "database not found" in lines[2]
    assert lines[3] == "dead letters: 1 rejected, influxdb:field_type"
    assert code == 1
    assert ran(capsys, "status", "--config", settings(tmp_path))[0] == 0
    journal.close()
    tables.close()


def test_project_writes_a_span_into_an_empty_store(
    tmp_path: Path, influxd: str, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = journal_of(tmp_path, "pb-01", "zn-02")
    database = f"command{next(_names)}"
    file = settings(tmp_path, influxd, database=database)
    span = ("--from", spoken_time(NOW_MS - 2 * HOUR_MS), "--to", spoken_time(NOW_MS + HOUR_MS))
    code, out, err = ran(capsys, "project", "--config", file, *span)
    assert code == 0
    assert re.search(r"^embedded-\w+: 40 blocks and \d+ windows written again$", out, re.MULTILINE)
    assert re.search(r"^influxdb: 40 blocks and \d+ windows written again$", out, re.MULTILINE)
    assert "influxdb: zn-02 (2 of 2) up to" in err
    influx = Influx(influxd, database)
    assert_whole(journal, influx)
    # The position is the collector's own, and stays.
    assert journal.position("influxdb") == 0
    code, out, _ = ran(capsys, "project", "--config", file, *span, "--unit", "zn-02", "--store", "influxdb")
    assert (code, out.count("\n")) == (0, 1)
    assert out.startswith("influxdb: 20 blocks")
    assert_whole(journal, influx)
    influx.close()
    journal.close()


def test_project_refuses_what_retention_has_removed_and_does_the_rest(
    tmp_path: Path, influxd: str, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = journal_of(tmp_path, "pb-01", "zn-02")
    with journal.database.write() as cursor:
        cursor.execute("INSERT INTO pruned_units VALUES ('pb-01', ?)", (NOW_MS - HOUR_MS // 2,))
    file = settings(tmp_path, influxd, database=f"command{next(_names)}")
    words = ("project", "--config", file, "--store", "influxdb", "--from", spoken_time(NOW_MS - 2 * HOUR_MS), "--to")
    code, out, err = ran(capsys, *words, spoken_time(NOW_MS - HOUR_MS // 2))
    assert code == 1
    assert f"pb-01: retention has removed the scans before {spoken_time(NOW_MS - HOUR_MS // 2)}; nothing" in err
    assert out.startswith("influxdb: 20 blocks")
    code, _, err = ran(capsys, *words, spoken_time(NOW_MS))
    assert (code, "written from there" in err) == (1, True)
    journal.close()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--from yesterday --to 2026-11-20", "'yesterday': Invalid isoformat string: 'yesterday'; allowed: 2026"),
        ("--from 1405-13-01 --to 2026-11-20", "'1405-13-01': "),
        ("--from 2026-11-20 --to 9999-12-31", "'9999-12-31': date value out of range; allowed: 2026"),
        ("--from 2026-11-21 --to 2026-11-20", "--to '2026-11-20' is not after --from '2026-11-21'"),
        ("--from 2026-11-20 --to 2026-11-20 --unit pb-1", "--unit 'pb-1': the journal has no such unit"),
        ("--from 2026-11-20 --to 2026-11-20 --store influxdb", "--store influxdb: not in the settings"),
    ],
)
def test_project_names_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, told: str) -> None:
    journal_of(tmp_path, "pb-01").close()
    code, _, err = ran(capsys, "project", "--config", settings(tmp_path), *words.split())
    assert code in {1, 2}
    assert f"orewatch storage project: {told}" in err


def test_a_data_dir_without_a_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = settings(tmp_path)
    for words in (["status"], ["project", "--from", "2026-11-20", "--to", "2026-11-20"]):
        code, _, err = ran(capsys, *words, "--config", file)
        assert (code, "no journal there; is data_dir right?" in err) == (1, True)
    assert not (tmp_path / "journal.db").exists()


@pytest.mark.parametrize(
    ("text", "end", "utc"),
    [
        ("2026-11-20T06:00Z", False, "2026-11-20T06:00:00Z"),
        ("2026-11-20T06:00+03:30", True, "2026-11-20T02:30:00Z"),
        ("2026-11-20T06:00", False, "2026-11-20T02:30:00Z"),
        ("2026-11-20", False, "2026-11-19T20:30:00Z"),
        ("2026-11-20", True, "2026-11-20T20:30:00Z"),
        ("1405-09-01", False, "2026-11-21T20:30:00Z"),
        ("1405-9-1", True, "2026-11-22T20:30:00Z"),
    ],
)  # fmt: skip
def test_times_as_people_write_them(text: str, end: bool, utc: str) -> None:
    assert spoken_time(span_time(text, end=end)) == utc


def test_lengths_of_time_as_people_say_them() -> None:
    assert [spoken_seconds(s) for s in (0, 119, 120, 7199, 7200, 172_800)] == [
        "0 s",
        "119 s",
        "2 min",
        "120 min",
        "2 h",
        "2 d",
    ]
