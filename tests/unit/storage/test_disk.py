"""Room on a disk, and how long it lasts."""

from __future__ import annotations

from pathlib import Path

import pytest

from orewatch.storage.disk import EACH_S, Disk, Room

GIB = 2**30
HOUR = 3600.0


class Filling:
    def __init__(self, free: int = 100 * GIB) -> None:
        self.free = free

    def __call__(self, _path: Path) -> tuple[int, int]:
        return self.free, 200 * GIB


def test_hours_are_known_after_an_hour_of_growth() -> None:
    usage = Filling()
    disk = Disk(Path("/data"), usage=usage)
    hours: list[float | None] = []
    for minute in range(0, 481, 5):
        usage.free = 100 * GIB - minute * GIB // 60
        hours.append(disk.look(minute * 60.0).hours_left)  # type: ignore[union-attr]
    assert hours[: 60 // 5] == [None] * 12, "less than an hour says nothing"
    assert hours[12] == pytest.approx(99.0)
    assert hours[-1] == pytest.approx(92.0)


def test_the_rate_is_that_of_the_last_hours() -> None:
    usage = Filling()
    disk = Disk(Path("/data"), usage=usage)
    for step in range(200):
        # It filled fast long ago; for the last six hours it does not.
        usage.free -= GIB if step < 100 else 0
        room = disk.look(step * EACH_S)
    assert room == Room(0, 200 * GIB, None)


def test_what_does_not_grow_never_fills() -> None:
    usage = Filling()
    disk = Disk(Path("/data"), usage=usage)
    for step in range(100):
        usage.free += GIB if step % 2 else -GIB
        assert disk.look(step * EACH_S).hours_left is None  # type: ignore[union-attr]


@pytest.mark.parametrize("began_h", [0.0, 1.0, 3.0, 5.0])
def test_a_backup_on_the_same_disk_does_not_fill_it(began_h: float) -> None:
    usage = Filling()
    disk = Disk(Path("/data"), usage=usage)
    for step in range(round(12 * HOUR / EACH_S)):
        usage.free -= GIB if began_h * HOUR <= step * EACH_S < (began_h + 1.5) * HOUR else GIB // 1000
        room = disk.look(step * EACH_S)
        if step * EACH_S >= 5 * HOUR:
            assert room is not None
            assert room.hours_left is None or room.hours_left > 48


def test_hours_in_which_nobody_looked_divide_nothing_by_nothing() -> None:
    usage = Filling()
    disk = Disk(Path("/data"), usage=usage)
    disk.look(0.0)
    for at_s in (2 * HOUR, 2 * HOUR, 2 * HOUR + 5):
        usage.free -= GIB
        room = disk.look(at_s)
        assert room is not None
        assert room.hours_left is not None


def test_a_disk_that_does_not_answer_is_unknown(tmp_path: Path) -> None:
    assert Disk(tmp_path / "gone").look(0.0) is None
    assert Disk(tmp_path).look(0.0) is not None
