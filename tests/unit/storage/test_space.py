"""Space comes back: files shrink while they are used, and nothing is lost on the way."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from collector.data_dir import hold
from collector.retention import SPARE_PAGES, give_back
from orewatch.cli import main
from orewatch.storage.database import PAGE_BYTES, Database
from orewatch.storage.journal import Journal, JournalEntry
from orewatch.storage.rollup_tables import RollupTables
from orewatch.telemetry.block import read_header
from tests.unit.collector.collector_harness import NOW_MS, block

if TYPE_CHECKING:
    import pytest

BLOCKS = 1500
SLACK_BYTES = 2 * SPARE_PAGES * PAGE_BYTES


def fill(journal: Journal) -> int:
    """Store blocks of about 4 kB; returns the size of the file, the WAL emptied into it."""
    for first in range(1, BLOCKS + 1, 500):
        blocks = [block(n, seconds=900, noisy=True) for n in range(first, first + 500)]
        journal.commit([JournalEntry(read_header(data), data, NOW_MS) for data in blocks])
    checkpoint(journal.database)
    return journal.database.path.stat().st_size


def checkpoint(file: Database) -> None:
    with closing(sqlite3.connect(file.path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def forget(journal: Journal, up_to: int) -> None:
    with journal.database.write() as cursor:
        cursor.execute("DELETE FROM blocks WHERE position <= ?", (up_to,))


def numbers(path: Path) -> list[int]:
    with closing(Journal.open(path)) as journal:
        return [b.header.number for b in journal.blocks(0, 10**6)]


def test_a_file_shrinks_while_it_is_used_to_what_it_holds_and_some(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db")
    reader = Journal.open(tmp_path / "journal.db", read_only=True)
    full = fill(journal)
    forget(journal, BLOCKS - 300)
    steps = 0
    while give_back(journal.database):
        steps += 1
        journal.commit([])
    assert steps > 5
    # Without a reader in the middle of something, the WAL goes into the file and the file's end goes.
    assert journal.database.path.stat().st_size < full * 300 / BLOCKS + SLACK_BYTES
    assert [b.header.number for b in reader.blocks(0, 10**6)] == list(range(BLOCKS - 299, BLOCKS + 1))
    with closing(sqlite3.connect(tmp_path / "journal.db")) as other:
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    reader.close()
    journal.close()


def test_what_is_soon_needed_again_is_not_moved_about(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db")
    fill(journal)
    forget(journal, 20)
    assert journal.database.pages()[1] > 0
    assert not give_back(journal.database)
    journal.close()


def test_killed_while_space_is_given_back_nothing_is_lost(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db")
    full = fill(journal)
    journal.close()
    script = (
        "import sys; from pathlib import Path\n"
        "from collector.retention import give_back\n"
        "from orewatch.storage.journal import Journal\n"
        "journal = Journal.open(Path(sys.argv[1]))\n"
        f"for up_to in range(50, {BLOCKS - 300} + 1, 50):\n"
        "    with journal.database.write() as cursor:\n"
        "        cursor.execute('DELETE FROM blocks WHERE position <= ?', (up_to,))\n"
        "    give_back(journal.database)\n"
        "    print(up_to, flush=True)\n"
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", script, str(tmp_path / "journal.db")]
    for kill_at in (150, 450, 750, 1000):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
        ) as run:
            assert run.stdout is not None
            while (said := int(run.stdout.readline())) < kill_at:
                pass
            run.send_signal(signal.SIGKILL)
            rest = run.stdout.read().split()
        said = int(rest[-1]) if rest else said
        left = numbers(tmp_path / "journal.db")
        assert left[-1] == BLOCKS
        assert left == list(range(left[0], BLOCKS + 1))
        assert said < left[0] <= said + 51
        with closing(sqlite3.connect(tmp_path / "journal.db")) as other:
            assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert (tmp_path / "journal.db").stat().st_size < full


def made_before(path: Path) -> None:
    """Let a file be as it was made before it could give space back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("PRAGMA journal_mode = DELETE")
        old.execute("PRAGMA auto_vacuum = NONE")
        old.execute("VACUUM")


def test_a_file_made_before_goes_on_and_compacting_lets_it_shrink(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OREWATCH_COLLECTOR_DATA_DIR", str(tmp_path))
    for file, made in (("journal.db", Journal.open), ("rollups.db", RollupTables.open)):
        made(tmp_path / file).close()
        made_before(tmp_path / file)
    journal = Journal.open(tmp_path / "journal.db")
    full = fill(journal)
    forget(journal, BLOCKS - 100)
    assert not journal.database.gives_back
    assert not give_back(journal.database)
    uuid = journal.store_uuid
    journal.close()
    with hold(tmp_path):
        assert main(["storage", "compact"]) == 1
    assert "in use by another collector" in capsys.readouterr().err
    assert main(["storage", "compact"]) == 0
    assert "journal.db: " in capsys.readouterr().out
    assert (tmp_path / "journal.db").stat().st_size < full / 5
    assert numbers(tmp_path / "journal.db") == list(range(BLOCKS - 99, BLOCKS + 1))
    journal = Journal.open(tmp_path / "journal.db")
    assert (journal.store_uuid, journal.database.gives_back) == (uuid, True)
    fill_again = [block(n, seconds=900, noisy=True) for n in range(BLOCKS + 1, BLOCKS + 401)]
    journal.commit([JournalEntry(read_header(data), data, NOW_MS) for data in fill_again])
    forget(journal, BLOCKS + 400)
    assert give_back(journal.database)
    journal.close()
    with closing(RollupTables.open(tmp_path / "rollups.db")) as rollups:
        assert rollups.database.gives_back


def test_nothing_to_compact_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OREWATCH_COLLECTOR_DATA_DIR", str(tmp_path))
    assert main(["storage", "compact"]) == 1
    assert "no journal there" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
