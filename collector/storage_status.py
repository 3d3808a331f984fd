"""``orewatch storage status``: how far each store is, whether it is there, and what it could not take."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from collector.settings import collector_settings
from orewatch.storage.journal import Journal, JournalError
from orewatch.storage.lag import lag_of, letters_by_reason
from orewatch.storage.query import StoreError
from orewatch.storage.rollup_tables import RollupTables
from orewatch.storage.sqlite import rollups_beside

if TYPE_CHECKING:
    import argparse

    from collector.settings import CollectorSettings
    from orewatch.storage.lag import Lag

FAILED = 1
_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86_400


def add_status(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``storage status``."""
    parser = actions.add_parser(
        "status", help="how far each store is behind the journal, whether it is there, what it could not take"
    )
    parser.add_argument("--config", type=Path, help="the collector's TOML file")
    parser.set_defaults(run=status)


def status(arguments: argparse.Namespace) -> int:
    """Run ``storage status``; returns the exit code: 1 where the journal cannot be read or a store is away."""
    settings = collector_settings(arguments.config)
    if not settings.journal_path.exists():
        print(f"orewatch storage: {settings.journal_path}: no journal there; is data_dir right?", file=sys.stderr)  # noqa: T201
        return FAILED
    try:
        journal = Journal.open(settings.journal_path, read_only=True)
        try:
            return tell(journal, settings, time.time_ns() // 1_000_000)
        finally:
            journal.close()
    except JournalError as error:
        print(f"orewatch storage: {error}", file=sys.stderr)  # noqa: T201 - for people
        return FAILED


def tell(journal: Journal, settings: CollectorSettings, now_ms: int) -> int:
    """Print the status of every store of the settings; 0 where all are reachable."""
    stores: dict[str, str] = {}
    if settings.embedded:
        rollups = rollups_beside(settings.journal_path)
        if rollups.exists():
            tables = RollupTables.open(rollups, read_only=True)
            stores[tables.name] = ""
            tables.close()
        else:
            stores["embedded"] = f"{rollups}: not there yet; the collector makes it"
    if settings.influx is not None:
        stores["influxdb"] = _reach(settings)
    print(f"journal {settings.journal_path}: newest position {journal.newest_position()}")  # noqa: T201 - for people
    for name, away in stores.items():
        print(f"{name}: {line(lag_of(journal, name, now_ms))}; {away or 'reachable'}")  # noqa: T201 - for people
    for verdict, reason, count in letters_by_reason(journal):
        print(f"dead letters: {count} {verdict}, {reason}")  # noqa: T201 - for people
    return FAILED if any(stores.values()) else 0


def line(lag: Lag) -> str:
    """Return a lag in words."""
    behind = "nothing behind"
    if lag.blocks:
        behind = f"{lag.blocks} blocks behind, the oldest for {spoken_seconds(lag.seconds)}"
    owed = f"{lag.dirty} windows to roll up" if lag.dirty else "all rolled up"
    return f"position {lag.position} of {lag.newest}, {behind}; {owed}"


def spoken_seconds(seconds: float) -> str:
    """Return a length of time as people say it, in its largest unit."""
    for size, name in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _reach(settings: CollectorSettings) -> str:
    """Return why the InfluxDB cannot be asked, "" where it can."""
    # Only here: an embedded deployment installs without httpx.
    from collector.influx import server_of  # noqa: PLC0415

    assert settings.influx is not None  # noqa: S101 - the caller looked
    server = server_of(settings.influx)
    try:
        # Of a database that is not there a 1.x tells this, and not every SHOW.
        server.query('SHOW TAG VALUES WITH KEY = "unit" LIMIT 1')
    except StoreError as error:
        return f"away: {error}"
    finally:
        server.close()
    return ""
