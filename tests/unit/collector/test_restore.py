"""A backup put back: checked before anything is changed, and asking for what came after it."""

from __future__ import annotations

import errno
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from collector.data_dir import hold
from orewatch.cli import main
from orewatch.storage.journal import Journal, JournalEntry, Outcome
from orewatch.storage.resends import OVERLAP_MS, Resends
from orewatch.telemetry.block import read_header
from tests.unit.collector.collector_harness import NOW_MS, UNIT, block

if TYPE_CHECKING:
    from collections.abc import Callable
from tests.unit.collector.backup_harness import KEPT, MINUTE_MS, commit, fill, means


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OREWATCH_COLLECTOR_DATA_DIR", str(tmp_path / "data"))
    fill(tmp_path / "data")
    return tmp_path / "data"


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
