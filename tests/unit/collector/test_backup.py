"""Backup while the journal is written: whole, checked, and in nobody's way."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from orewatch.cli import main
from orewatch.storage.backup import back_up, read_manifest
from orewatch.storage.journal import Journal
from tests.unit.collector.backup_harness import KEPT, commit, fill, means
from tests.unit.collector.collector_harness import NOW_MS

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


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OREWATCH_COLLECTOR_DATA_DIR", str(tmp_path / "data"))
    fill(tmp_path / "data")
    return tmp_path / "data"


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


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), sqlite3.OperationalError("database or disk is full")]
)
def test_a_backup_that_fills_the_disk_takes_itself_away(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def full(*_: object) -> str:
        raise error

    monkeypatch.setattr("orewatch.storage.backup._digest", full)
    folder = tmp_path / "backup"
    assert main(["storage", "backup", str(folder)]) == 1
    assert "nothing is backed up" in capsys.readouterr().err
    assert list(folder.rglob("*")) == []
    assert len(means(data)) == KEPT
