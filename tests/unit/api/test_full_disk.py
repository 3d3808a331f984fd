"""A disk that takes nothing, and errors at a task's edge: no alert is lost, and nothing stops for good."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from api import tasks
from api.alerting.models import AlertKind
from api.tasks import Tasks
from tests.unit.api.test_judge import HOUR, Bench, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.database.close()


def test_an_alert_that_the_disk_did_not_take_is_written_once_it_does(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bench.database.transaction

    @contextmanager
    def full() -> Iterator[sqlite3.Connection]:
        with whole() as connection:
            yield connection
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(bench.database, "transaction", full)
    run(bench, [("run", HOUR), ("nofeed", 900), ("run", 900), ("nofeed", 900)])
    assert (bench.alerts(), bench.engine.unwritten) == ([], 3)
    monkeypatch.setattr(bench.database, "transaction", whole)
    bench.judge.write_waiting()
    assert [(a.kind, a.active) for a in bench.alerts()] == [(AlertKind.IDLE, False), (AlertKind.IDLE, True)]
    events = [row["event"] for row in bench.database.rows("SELECT event FROM outbox ORDER BY id")]
    assert events == ["raised", "cleared", "raised"]
    bench.judge.write_waiting()
    assert (len(bench.alerts()), bench.engine.unwritten) == (2, 0)


async def test_work_that_stumbles_begins_anew_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_S", 0.0)
    kept = Tasks()
    goes: list[int] = []
    done = asyncio.Event()

    async def stumbles() -> None:
        goes.append(len(goes))
        if len(goes) < 3:
            raise sqlite3.OperationalError("disk I/O error")
        done.set()
        await asyncio.Event().wait()

    kept.begin(stumbles, "watch")
    await asyncio.wait_for(done.wait(), 5)
    await kept.end()
    assert (goes, kept.failures) == ([0, 1, 2], {"watch": 2})
