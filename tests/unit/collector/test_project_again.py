"""Everything projected again gives the same store, whatever came late, twice or crosswise, and whatever was killed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.collector.again_harness import Embedded, InInflux, arrivals, commit, journal_at, projector
from tests.unit.collector.collector_harness import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orewatch.storage.journal import Journal
    from orewatch.storage.projection import DecodedBlock, Projection, RollupRows, WriteOutcome


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(journal_at(tmp_path / "journal.db")) as journal:
        yield journal


@pytest.fixture(params=["embedded", "influxdb"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Embedded] | list[InInflux]]:
    """Two empty stores of a kind."""
    if request.param == "embedded":
        both: list[Any] = [Embedded(tmp_path), Embedded(tmp_path)]
    else:
        url = request.getfixturevalue("influxd")
        both = [InInflux(url), InInflux(url)]
    yield both
    for store in both:
        store.close()


class DyingError(Exception):
    """The process was killed."""


class Dying:
    """A projection whose process is killed after some writes: what was written is written, nobody knows of it."""

    def __init__(self, behind: Projection, lives: list[int]) -> None:
        self.name = behind.name
        self._behind = behind
        self._lives = lives

    def write(self, blocks: list[DecodedBlock]) -> WriteOutcome:
        return self._then_die(self._behind.write(blocks))

    def write_rollups(self, rows: list[RollupRows]) -> WriteOutcome:
        return self._then_die(self._behind.write_rollups(rows))

    def _then_die(self, outcome: WriteOutcome) -> WriteOutcome:
        self._lives[0] -= 1
        if self._lives[0] == 0:
            raise DyingError
        return outcome


def test_everything_projected_again_is_the_same_store(journal: Journal, stores: list[Any]) -> None:
    first, second = stores
    lives = [3]
    for batch in arrivals():
        commit(journal, batch)
        # Killed again and again between a write and the note of it; each life begins with what was noted.
        try:
            projector(journal, Dying(first.projection, lives)).step(NOW_MS)  # type: ignore[arg-type]
        except DyingError:
            lives[0] = 4
    assert projector(journal, first.projection).drain(NOW_MS)
    assert projector(journal, second.projection).drain(NOW_MS)
    assert len(str(first.dump())) > 30_000
    assert first.dump() == second.dump()
    # And into a store that has it all already.
    again = projector(journal, first.projection)
    again.restart(0)
    assert again.drain(NOW_MS)
    assert first.dump() == second.dump()
