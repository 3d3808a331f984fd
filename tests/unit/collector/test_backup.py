"""Backup while the journal is written, and restore: whole, checked, and asking for what came after."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from collector.counters import Counters
from collector.data_dir import hold
from collector.project import Projector
from orewatch.cli import main
from orewatch.storage.backup import back_up, read_manifest
from orewatch.storage.journal import Journal, JournalEntry, Outcome
from orewatch.storage.query import Aggregate, Query, Table
from orewatch.storage.resends import OVERLAP_MS, Resends
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.storage.sqlite import EmbeddedStore
from orewatch.telemetry.block import read_header
from tests.unit.collector.collector_harness import CURRENT, NOW_MS, SCHEMA, UNIT, block

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE_MS = 60_000
KEPT = 600
WRITING = """
import sys; from pathlib import Path
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.telemetry.block import read_header
from tests.unit.collector.collector_harness import block
journal = Journal.open(Path(sys.argv[1]))
for n in range(601, 100000):
    data = block(n)
    journal.commit([JournalEntry(read_header(data), data, 1)])
    print(n, flush=True)
"""


def commit(journal: Journal, numbers: range) -> None:
    entries = []
    for number in numbers:
        data = block(number, start_ms=NOW_MS + number * MINUTE_MS, seconds=60)
        entries.append(JournalEntry(read_header(data), data, NOW_MS))
    journal.put_schemas([SCHEMA])
    journal.commit(entries)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a collector's folder of 600 blocks, all projected."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("OREWATCH_COLLECTOR_DATA_DIR", str(data))
    with (
        closing(Journal.open(data / "journal.db")) as journal,
        closing(RollupTables.open(data / "rollups.db")) as tables,
    ):
        commit(journal, range(1, KEPT + 1))
        projector = Projector(
            journal=journal, projection=EmbeddedProjection(tables=tables), counters=Counters(), batch=1000
        )
        assert projector.drain(NOW_MS)
    return data


def means(data: Path) -> list[float]:
    with closing(EmbeddedStore.open(data / "journal.db")) as store:
        query = Query(
            unit=UNIT,
            ref=CURRENT,
            start_ms=NOW_MS,
            end_ms=NOW_MS + 2 * KEPT * MINUTE_MS,
            step_ms=MINUTE_MS,
            aggregate=Aggregate.MEAN,
        )
        series = store.series(query)
        assert series.table is Table.MINUTE
        return list(series.values)


def test_a_backup_is_whole_while_the_journal_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orewatch.storage.backup.PAGES_AT_ONCE", 2)
    folder, root = tmp_path / "backup", Path(__file__).parents[3]
    command = [sys.executable, "-c", WRITING, str(data / "journal.db")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    ) as writing:
        assert writing.stdout is not None
        first = int(writing.stdout.readline())
        assert main(["storage", "backup", str(folder)]) == 0
        writing.terminate()
        last = int(writing.stdout.read().split()[-1])
    manifest = read_manifest(folder)
    # The collector went on writing meanwhile, and none of its commits began the copy anew.
    assert first <= manifest.position < last
    assert {file.name for file in manifest.files} == {"journal.db", "rollups.db"}
    assert f"blocks up to position {manifest.position}" in capsys.readouterr().out
    with closing(Journal.open(folder / "journal.db")) as copy:
        assert [b.header.number for b in copy.blocks(0, 10**6)] == list(range(1, manifest.position + 1))
        assert copy.store_uuid == manifest.store
        assert list(manifest.positions.values()) == [KEPT]


def test_a_commit_during_the_copy_does_not_begin_it_anew(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orewatch.storage.backup.PAGES_AT_ONCE", 1)
    monkeypatch.setattr("orewatch.storage.backup.ALIVE_EVERY", 10)
    done: list[int] = []
    told_later: set[str] = set()
    with closing(Journal.open(data / "journal.db")) as journal:

        def told(what: str, so_far: int, whole: int) -> None:
            assert so_far <= whole
            if what != "journal.db copied":
                told_later.add(what)
                return
            done.append(so_far)
            assert len(done) < 1000
            commit(journal, range(KEPT + len(done), KEPT + len(done) + 1))

        manifest = back_up(tmp_path / "backup", [("journal.db", data / "journal.db")], made_ms=NOW_MS, told=told)
        assert journal.newest_position() > KEPT + 5
    assert manifest.position == KEPT
    assert done == sorted(set(done))
    # What follows takes about as long again.
    assert told_later == {"journal.db being read back", "journal.db summed"}


def test_a_folder_with_something_in_it_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "other").touch()
    assert main(["storage", "backup", str(tmp_path / "backup")]) == 1
    assert "not empty; allowed: a new or an empty folder" in capsys.readouterr().err
    assert main(["storage", "backup", str(tmp_path / "backup2"), "--api-data", str(tmp_path)]) == 1
    assert "no databases there" in capsys.readouterr().err
    (data / "journal.db").unlink()
    assert main(["storage", "backup", str(tmp_path / "backup2")]) == 1
    assert "no such file; is data_dir right?" in capsys.readouterr().err
    assert not (tmp_path / "backup2").exists()


def test_what_was_backed_up_comes_back_and_what_was_there_is_kept(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = means(data)
    service, folder = tmp_path / "api", tmp_path / "backup"
    service.mkdir()
    with closing(sqlite3.connect(service / "inputs.db")) as inputs, inputs:
        inputs.execute("CREATE TABLE said (what TEXT)")
        inputs.execute("INSERT INTO said VALUES ('liner changed')")
    assert main(["storage", "backup", str(folder), "--api-data", str(service)]) == 0
    with closing(Journal.open(data / "journal.db")) as journal:
        uuid = journal.store_uuid
        commit(journal, range(KEPT + 1, KEPT + 101))
    assert len(means(data)) == KEPT + 100
    assert main(["storage", "restore", str(folder)]) == 1
    assert "is there already; --force puts it aside" in capsys.readouterr().err
    assert len(means(data)) == KEPT + 100
    assert main(["storage", "restore", str(folder), "--force"]) == 0
    out = capsys.readouterr().out
    assert "1 units will be asked" in out
    assert "not put back without --api-data: api/inputs.db" in out
    assert means(data) == before
    with closing(Journal.open(data / "journal.db")) as journal:
        # It is the same store: units that obey only this one go on obeying it.
        assert journal.store_uuid == uuid
        assert journal.newest_position() == KEPT
        assert Resends(database=journal.database).since(UNIT) == NOW_MS + KEPT * MINUTE_MS + 59_000 - OVERLAP_MS
    (aside,) = data.glob("before-restore-*")
    assert len(means(aside)) == KEPT + 100
    (service / "inputs.db").unlink()
    for file in data.glob("*.db*"):
        file.unlink()
    assert main(["storage", "restore", str(folder), "--api-data", str(service)]) == 0
    assert means(data) == before
    with closing(sqlite3.connect(service / "inputs.db")) as inputs:
        assert inputs.execute("SELECT what FROM said").fetchall() == [("liner changed",)]


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: _flip(folder / "journal.db"), "SHA-256 differs"),
        (lambda folder: (folder / "rollups.db").unlink(), "rollups.db: missing"),
        (lambda folder: (folder / "rollups.db").write_bytes(b""), "rollups.db: 0 bytes"),
        (lambda folder: (folder / "manifest.json").unlink(), "allowed: a folder that `backup` has made"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "not readable"),
        (lambda folder: (folder / "manifest.json").write_text('{"format": 2}'), "of a later version"),
    ],
)
def test_a_damaged_backup_changes_nothing(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], object],
    told: str,
) -> None:
    folder = tmp_path / "backup"
    assert main(["storage", "backup", str(folder)]) == 0
    damage(folder)
    before = (data / "journal.db").read_bytes()
    assert main(["storage", "restore", str(folder), "--force"]) == 1
    assert told in capsys.readouterr().err
    assert (data / "journal.db").read_bytes() == before
    assert not list(data.glob("before-restore-*"))


@pytest.mark.usefixtures("data")
def test_a_manifest_that_leads_elsewhere_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "backup"
    assert main(["storage", "backup", str(folder)]) == 0
    table = json.loads((folder / "manifest.json").read_text())
    table["files"][0]["name"] = "api/../../evil.db"
    (folder / "manifest.json").write_text(json.dumps(table))
    assert main(["storage", "restore", str(folder), "--force", "--api-data", str(tmp_path / "api")]) == 1
    assert "allowed: files within the folder" in capsys.readouterr().err


def test_a_running_collector_is_left_alone(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "backup"
    with hold(data):
        assert main(["storage", "backup", str(folder)]) == 0
        assert main(["storage", "restore", str(folder), "--force"]) == 1
    assert "in use by another collector" in capsys.readouterr().err
    assert not list(data.glob("before-restore-*"))


def test_a_unit_is_asked_once_also_across_restarts(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    assert main(["storage", "backup", str(folder)]) == 0
    assert main(["storage", "restore", str(folder), "--force"]) == 0
    with closing(Journal.open(data / "journal.db")) as journal:
        resends = Resends(database=journal.database)
        # New since the backup: the restored journal knows nothing of it, not even that it lacks something.
        assert resends.since("another") == 0
        for unit in (UNIT, "another"):
            resends.asked(unit)
            assert resends.since(unit) is None
            assert Resends(database=journal.database).since(unit) is not None
        resends.keep()
        for unit in (UNIT, "another"):
            assert Resends(database=journal.database).since(unit) is None
        again = block(KEPT, start_ms=NOW_MS + KEPT * MINUTE_MS, seconds=60)
        assert journal.commit([JournalEntry(read_header(again), again, NOW_MS)]) == [Outcome.DUPLICATE]


def test_nobody_is_asked_by_a_journal_that_was_never_restored(data: Path) -> None:
    with closing(Journal.open(data / "journal.db")) as journal:
        assert Resends(database=journal.database).since(UNIT) is None


def test_a_restore_that_fails_half_way_leaves_what_was_there(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "backup"
    assert main(["storage", "backup", str(folder)]) == 0
    before = {path.name: path.read_bytes() for path in data.glob("*.db")}
    rename = Path.rename

    def full(path: Path, target: Path) -> Path:
        if path.name == "rollups.db.restored":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)
    assert main(["storage", "restore", str(folder), "--force"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in data.glob("*.db")} == before
    assert not list(data.glob("*.restored"))
