"""The collector's settings and command line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from collector.data_dir import hold
from collector.settings import PREFIX, CollectorSettings
from orewatch.cli import main
from orewatch.settings import SettingsError, read_settings
from orewatch.storage.journal import DeadLetter, Journal, JournalEntry, Verdict
from orewatch.storage.retention import Levels
from orewatch.telemetry.block import read_header
from tests.unit.collector.collector_harness import NOW_MS, SCHEMA, block

if TYPE_CHECKING:
    from pathlib import Path


def settings(**environ: str) -> CollectorSettings:
    return read_settings(CollectorSettings, prefix=PREFIX, environ={PREFIX + k: v for k, v in environ.items()})


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    made = settings(DATA_DIR=str(tmp_path), BROKER__HOST="broker", BROKER__PORT="8883", HOST_ID="site-7")
    assert (made.journal_path, made.broker.host, made.broker.port) == (tmp_path / "journal.db", "broker", 8883)
    assert made.host_id == "site-7"


def test_levels_are_days_of_event_time_and_a_journal_beside_influxdb_may_be_shorter() -> None:
    day_ms = 86_400_000
    assert settings().levels == Levels(raw_ms=30 * day_ms, minutes_ms=365 * day_ms, hours_ms=3650 * day_ms)
    beside = settings(EMBEDDED="false", JOURNAL_DAYS="2.5", INFLUX__URL="http://localhost:8086")
    assert beside.levels.raw_ms == 2.5 * day_ms


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"HOST_ID": "a/b"}, "HOST_ID"),
        ({"BROKER__PORT": "0"}, "BROKER__PORT"),
        ({"QUEU_MB": "5"}, "QUEU_MB"),
        ({"JOURNAL_DAYS": "7"}, "journal_days"),
        ({"JOURNAL_DAYS": "7"}, "allowed: retention.raw_days instead, or embedded = false"),
        ({"JOURNAL_DAYS": "7", "EMBEDDED": "false"}, "journal_days"),
        ({"RETENTION__RAW_DAYS": "1"}, "RETENTION__RAW_DAYS"),
        ({"RETENTION__MINUTES_DAYS": "10"}, "minutes_days = 10: shorter than raw_days; allowed: 30 or more"),
        ({"RETENTION__HOURS_DAYS": "364"}, "hours_days = 364: shorter than minutes_days; allowed: 365 or more"),
    ],
)
def test_a_wrong_setting_names_itself(environ: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        settings(**environ)


def test_check_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PREFIX + "DATA_DIR", str(tmp_path / "data"))
    assert main(["collector", "--check"]) == 0
    assert "sound" in capsys.readouterr().out
    assert not (tmp_path / "data").exists()


def test_reproject_sets_the_position(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PREFIX + "DATA_DIR", str(tmp_path))
    journal = Journal.open(tmp_path / "journal.db")
    journal.put_schemas([SCHEMA])
    journal.commit([JournalEntry(read_header(data), data, NOW_MS) for data in (block(1), block(2))])
    assert main(["collector", "--reproject", "embedded", "--from-position", "1"]) == 0
    assert list(journal.positions().values()) == [1]
    assert main(["collector", "--reproject", "embedded"]) == 0
    assert list(journal.positions().values()) == [0]
    assert main(["collector", "--reproject", "influxdb"]) == 1
    assert "there are: embedded-" in capsys.readouterr().err
    assert main(["collector", "--reproject", "embedded", "--from-position", "3"]) == 1
    assert "allowed: 0 to 2" in capsys.readouterr().err
    journal.close()


def test_a_journal_that_cannot_be_opened_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PREFIX + "DATA_DIR", str(tmp_path))
    (tmp_path / "journal.db").write_bytes(b"not a database" * 500)
    assert main(["collector"]) == 1
    assert "journal.db" in capsys.readouterr().err


def test_a_second_collector_on_one_directory_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PREFIX + "DATA_DIR", str(tmp_path))
    with hold(tmp_path):
        assert main(["collector"]) == 1
        told = capsys.readouterr().err
        assert str(tmp_path) in told
        assert "in use by another collector; stop it, or allowed: a directory of its own" in told
        # Beside a running one these are allowed.
        assert main(["collector", "--reproject", "embedded"]) == 0
        assert main(["collector", "--dead-letters"]) == 0
    with hold(tmp_path):
        pass


def test_dead_letters_are_listed_for_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PREFIX + "DATA_DIR", str(tmp_path))
    assert main(["collector", "--dead-letters"]) == 1
    assert "no journal there" in capsys.readouterr().err
    journal = Journal.open(tmp_path / "journal.db")
    letters = [
        DeadLetter(
            unit="pb-01", verdict=verdict, reason=reason, detail="a\x1b[31mb", received_ms=NOW_MS, data=reason.encode()
        )
        for verdict, reason in ((Verdict.REJECTED, "checksum"), (Verdict.QUARANTINED, "time_in_future"))
    ]
    journal.commit([], letters)
    journal.close()
    assert main(["collector", "--dead-letters", "1"]) == 0
    first, summary = capsys.readouterr().out.splitlines()
    when = datetime.fromtimestamp(NOW_MS / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    assert first == f"2 {when} pb-01 quarantined: time_in_future (14 bytes) a?[31mb"
    assert summary == "dead letters kept: 1 rejected, 1 quarantined, 0 waiting"
    assert main(["collector", "--dead-letters", "0"]) == 1
