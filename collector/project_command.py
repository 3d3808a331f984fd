"""``orewatch storage project``: write a span into the stores again, from the journal, also while a collector runs."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collector.counters import Counters
from collector.project_span import SpanProjector, Written
from collector.settings import collector_settings
from collector.span_times import ALLOWED, span_time, spoken_time
from orewatch.storage.journal import Journal, JournalError
from orewatch.storage.pruned import complete_from
from orewatch.storage.rollup_tables import EmbeddedProjection, RollupTables
from orewatch.storage.sqlite import rollups_beside

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from collector.settings import CollectorSettings
    from orewatch.storage.projection import Projection

FAILED = 1
USAGE_ERROR = 2
STORES = ("embedded", "influxdb")


def add_project(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``storage project``."""
    parser = actions.add_parser(
        "project",
        help="write a span into the stores again, from the journal",
        description="Writing again changes nothing that was right; a collector may run meanwhile. "
        f"Times: {ALLOWED}; a day given to --to is included.",
    )
    parser.add_argument("--config", type=Path, help="the collector's TOML file")
    parser.add_argument("--store", choices=STORES, help="only this one (default: every store of the settings)")
    parser.add_argument("--from", dest="start", required=True, metavar="TIME", help="beginning of the span")
    parser.add_argument("--to", dest="end", required=True, metavar="TIME", help="end of the span")
    parser.add_argument("--unit", help="only this unit (default: all)")
    parser.set_defaults(run=project)


def project(arguments: argparse.Namespace) -> int:
    """Run ``storage project``; returns the exit code: 1 where something of the span could not be written."""
    settings = collector_settings(arguments.config)
    try:
        start_ms, end_ms = span_time(arguments.start), span_time(arguments.end, end=True)
    except ValueError as error:
        return _failed(str(error), USAGE_ERROR)
    if end_ms <= start_ms:
        return _failed(f"--to {arguments.end!r} is not after --from {arguments.start!r}", USAGE_ERROR)
    if not settings.journal_path.exists():
        return _failed(f"{settings.journal_path}: no journal there; is data_dir right?")
    try:
        with contextlib.closing(Journal.open(settings.journal_path)) as journal:
            return _from(journal, settings, arguments, start_ms, end_ms)
    except JournalError as error:
        return _failed(str(error))


def _from(
    journal: Journal, settings: CollectorSettings, arguments: argparse.Namespace, start_ms: int, end_ms: int
) -> int:
    units = units_of(journal)
    if arguments.unit is not None and arguments.unit not in units:
        known = ", ".join(units[:20]) or "none"
        return _failed(f"--unit {arguments.unit!r}: the journal has no such unit; there are: {known}")
    wanted = [arguments.unit] if arguments.unit is not None else units
    with _projections(settings, arguments.store) as projections:
        if not projections:
            return _failed(f"--store {arguments.store}: not in the settings")
        done = [_project(journal, p, wanted, start_ms, end_ms) for p in projections]
    return 0 if all(done) else FAILED


def units_of(journal: Journal) -> list[str]:
    """Return every unit that the journal has, or had, blocks of."""
    rows: list[tuple[Any, ...]] = journal.database.rows("SELECT DISTINCT unit FROM spools ORDER BY unit")
    return [str(row[0]) for row in rows]


@contextlib.contextmanager
def _projections(settings: CollectorSettings, store: str | None) -> Iterator[list[Projection]]:
    with contextlib.ExitStack() as opened:
        projections: list[Projection] = []
        if settings.embedded and store in {None, "embedded"}:
            tables = opened.enter_context(contextlib.closing(RollupTables.open(rollups_beside(settings.journal_path))))
            projections.append(EmbeddedProjection(tables=tables))
        if settings.influx is not None and store in {None, "influxdb"}:
            # Only here: an embedded deployment installs without httpx.
            from collector.influx import influx_of  # noqa: PLC0415

            server, writer = influx_of(settings.influx, settings.retention)
            opened.enter_context(contextlib.closing(server))
            opened.enter_context(contextlib.closing(writer))
            projections.append(writer)
        yield projections


def _project(journal: Journal, projection: Projection, units: list[str], start_ms: int, end_ms: int) -> bool:
    """Write the span of every unit into one store, and tell; whether all of it could be written."""
    projector = SpanProjector(
        journal=journal,
        projection=projection,
        counters=Counters(),
        wait=_waiting,
        now_ms=lambda: time.time_ns() // 1_000_000,
        # The embedded store's scans are the journal's own.
        raw=not projection.name.startswith("embedded"),
    )
    whole = True
    total = Written()
    for number, unit in enumerate(units, 1):
        pruned_ms = complete_from(journal.database, unit, start_ms, end_ms) or 0
        if pruned_ms >= end_ms:
            _say(
                f"{unit}: retention has removed the scans before {spoken_time(pruned_ms)}; nothing of the span is left"
            )
            whole = False
            continue
        if pruned_ms > start_ms:
            _say(f"{unit}: retention has removed the scans before {spoken_time(pruned_ms)}; written from there")
            whole = False

        def told(at_ms: int, written: Written, unit: str = unit, number: int = number) -> None:
            if written.blocks:
                where = f"{projection.name}: {unit} ({number} of {len(units)}) up to {spoken_time(at_ms)}"
                _say(f"{where}: {_counted(written)}")

        written = projector.project(unit, max(start_ms, pruned_ms), end_ms, told=told)
        total.blocks += written.blocks
        total.windows += written.windows
        for reason, count in written.refused.items():
            total.refuse(reason, count)
    print(f"{projection.name}: {_counted(total)}")  # noqa: T201 - for people
    if set(total.refused) - {"retention"}:
        print("what was refused is a dead letter: orewatch collector --dead-letters")  # noqa: T201 - for people
        whole = False
    return whole


def _counted(written: Written) -> str:
    refused = "".join(f", {count} refused: {reason}" for reason, count in sorted(written.refused.items()))
    return f"{written.blocks} blocks and {written.windows} windows written again{refused}"


def _waiting(seconds: float, detail: str) -> None:
    _say(f"waiting {seconds:.0f} s: {detail}")
    time.sleep(seconds)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress, for people


def _failed(text: str, code: int = FAILED) -> int:
    print(f"orewatch storage project: {text}", file=sys.stderr)  # noqa: T201 - for people
    return code
