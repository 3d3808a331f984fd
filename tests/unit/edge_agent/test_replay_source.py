from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edge_agent.conditioning import Conditioner
from edge_agent.settings import ReplaySettings, read_agent_settings
from edge_agent.sources.replay import ReplaySource
from edge_agent.unit_file import build_unit
from orewatch.plant.catalogue import SignalRef
from orewatch.settings import SettingsError
from orewatch.telemetry.scan import Quality, physical
from orewatch.telemetry.schema import schema_of
from tests.servers import recordings

if TYPE_CHECKING:
    from pathlib import Path

T0 = 1_700_000_000_000
CSV = "when,flow,note\n2026-01-01T00:00:00,1.5,x\n2026-01-01T00:00:10,n/a,y\n2026-01-01T00:00:20,2.5,z\n"
FLOW = SignalRef("pulp", "flow")


def _settings(path: Path, text: str = CSV, **changes: Any) -> ReplaySettings:
    file = path / "recording.csv"
    file.write_text(text, encoding="utf-8")
    table = {
        "kind": "replay",
        "file": file,
        "time_column": "when",
        "column": [{"column": "flow", "machine": "pulp", "signal": "flow", "scale": 2, "offset": 1}],
    }
    return ReplaySettings.model_validate({k: v for k, v in {**table, **changes}.items() if v is not None})


async def test_rows_come_at_their_time_from_the_first_reading_on(tmp_path: Path) -> None:
    source = ReplaySource(settings=_settings(tmp_path))
    first = await source.read(T0)
    assert [(s.ref, s.value, s.quality, s.time_ms) for s in first] == [(FLOW, 4.0, Quality.GOOD, T0)]
    assert await source.read(T0 + 9_999) == []
    bad = await source.read(T0 + 10_000)
    assert [(s.value, s.quality) for s in bad] == [(None, Quality.BAD)]
    assert source.counters == {"not_a_number": 1}


async def test_it_plays_faster_and_begins_again(tmp_path: Path) -> None:
    source = ReplaySource(settings=_settings(tmp_path, speed=10))
    samples = list(await source.read(T0)) + list(await source.read(T0 + 5_000))
    # Three rows take 3 s at ten times the speed, then the first one comes again.
    assert [s.time_ms - T0 for s in samples] == [0, 1000, 2000, 3000, 4000, 5000]
    assert [s.value for s in samples] == [4.0, None, 6.0, 4.0, None, 6.0]


async def test_without_loop_it_ends(tmp_path: Path) -> None:
    source = ReplaySource(settings=_settings(tmp_path, loop=False))
    assert len([*await source.read(T0), *await source.read(T0 + 10**9)]) == 3


async def test_a_clock_set_back_does_not_silence_it(tmp_path: Path) -> None:
    source = ReplaySource(settings=_settings(tmp_path, time_column=None, row_s=1.0))
    await source.read(T0)
    got = [await source.read(T0 - 3_600_000 + 1000 * s) for s in range(4)]
    assert [len(g) for g in got] == [1, 1, 1, 1]
    assert [g[0].time_ms for g in got] == [T0 - 3_600_000 + 1000 * s for s in range(4)]


async def test_the_hour_and_the_row_in_it(tmp_path: Path) -> None:
    text = "hour,row,flow\n2026-01-01 01:00:00,0,1\n2026-01-01 01:00:00,2,2\n2026-01-01 02:00:00,0,3\n"
    settings = _settings(tmp_path, text, time_column="hour", row_column="row", row_s=20)
    source = ReplaySource(settings=settings)
    samples = [*await source.read(T0), *await source.read(T0 + 3_600_000)]
    assert [(s.value, s.time_ms - T0) for s in samples] == [(3.0, 0), (5.0, 40_000), (7.0, 3_600_000)]


async def test_decimal_commas_and_seconds(tmp_path: Path) -> None:
    text = "when;flow\n10;1,5\n12.5;2,0\n"
    source = ReplaySource(settings=_settings(tmp_path, text, delimiter=";", decimal=","))
    samples = [*await source.read(T0), *await source.read(T0 + 2_500)]
    assert [(s.value, s.time_ms - T0) for s in samples] == [(4.0, 0), (5.0, 2_500)]


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        ("when,other\n1,2\n", {}, "no column 'flow'; allowed: when, other"),
        ("when,flow\n", {}, "no rows; allowed: at least one"),
        ("when,flow\nyesterday,1\n", {}, "column 'when', row 2: 'yesterday'; allowed: ISO 8601 or a number"),
        ("when,flow\n5,1\n4,1\n", {}, "time of row 3 goes back"),
        (CSV, {"file": "/nowhere/at.csv"}, "'/nowhere/at.csv'.*allowed: a readable CSV"),
    ],
)
def test_a_wrong_recording_is_named(tmp_path: Path, text: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ReplaySource(settings=_settings(tmp_path, text, **changes))


@pytest.mark.parametrize("changes", [{"row_s": 1.0}, {"time_column": None}, {"row_column": "when"}])
def test_rows_are_paced_one_way(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="time_column"):
        _settings(tmp_path, **changes)


async def test_the_flotation_recording_plays_through_the_example_unit(tmp_path: Path) -> None:
    recording = recordings() / "flotation" / "flotation_28h_repaired.csv"
    text = (_repository() / "deploy" / "units" / "flotation-replay.toml").read_text()
    file = tmp_path / "flotation.toml"
    file.write_text(text.replace("flotation_28h_repaired.csv", str(recording)))
    settings = read_agent_settings(file, environ={})
    unit = build_unit(settings, file=file)
    (replay,) = settings.source
    assert isinstance(replay, ReplaySettings)
    source = ReplaySource(settings=replay.model_copy(update={"loop": False}))
    rows = len(recording.read_text().splitlines()) - 1
    schema = schema_of(unit)
    samples = [*await source.read(T0), *await source.read(T0 + 40 * 3_600_000)]
    scans = Conditioner(schema).scans(samples)
    assert {len(s) for s in scans} == {rows}
    read = sum(s.steps.size if s.quality is None else int((s.quality == Quality.GOOD).sum()) for s in scans)
    assert read == len(replay.column) * rows
    assert len(replay.column) == 22
    group, column = schema.where[SignalRef("pulp", "ph")]
    (ph,) = (s for s in scans if s.group == group)
    values = physical(schema.groups[group], ph.steps)[:, column]
    assert values[0] == pytest.approx(10.0664, abs=0.005)
    assert ((values > 8) & (values < 12)).all()
    # The recording tells the hour and the row in it: 20 s apart, from 01:00 to 04:48 of the next day.
    assert ph.time_ms[-1] - ph.time_ms[0] == int((27 * 3600 + 144 * 20) * 1000 / replay.speed)


def _repository() -> Path:
    from pathlib import Path

    return Path(__file__).parents[3]
