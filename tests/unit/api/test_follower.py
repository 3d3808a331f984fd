from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from api.live.follower import Follower, Told
from api.live.readings import GOOD, MAX_SIGNALS, STALE, LiveReadings, UnitReadings
from api.live.roster import Roster
from orewatch.plant.catalogue import SignalRef
from orewatch.sparkplug.actions import (
    Data,
    DeathCause,
    DeviceBorn,
    DeviceDied,
    NodeBorn,
    NodeDied,
    Rejected,
    RejectReason,
)
from orewatch.sparkplug.datatypes import DataType
from orewatch.sparkplug.payload import Metric
from orewatch.telemetry.block import encode_block
from orewatch.telemetry.node_metrics import BLOCK, DESCRIPTION, SCHEMAS
from orewatch.telemetry.scan import Scans, quantise
from orewatch.telemetry.schema import schema_of
from tests.unit.api.made_plant import made_unit

if TYPE_CHECKING:
    from orewatch.plant.unit import Unit

NOW = 1_795_000_000_000
UNIT = made_unit()
SCHEMA = schema_of(UNIT)


class Ear:
    """A follower, and what it told."""

    def __init__(self) -> None:
        self.now_ms = NOW
        self.roster = Roster()
        self.readings = LiveReadings()
        self.units: list[Unit] = []
        self.heard: list[tuple[str, int, bool]] = []
        self.told: list[Told] = []
        self.late: list[tuple[str, int, int]] = []
        self.follower = Follower(
            roster=self.roster,
            readings=self.readings,
            now_ms=lambda: self.now_ms,
            on_unit=self.units.append,
            on_heard=lambda *a: self.heard.append(a),
            on_reading=self.told.append,
            on_late=lambda *a: self.late.append(a),
        )

    def born(self, text: str | None = None, node: str = UNIT.id) -> None:
        metrics = {
            DESCRIPTION: Metric(name=DESCRIPTION, value=UNIT.to_json() if text is None else text),
            SCHEMAS: Metric(name=SCHEMAS, value=json.dumps([SCHEMA.text])),
        }
        self.follower.take(NodeBorn(group="g", node=node, metrics=metrics, timestamp_ms=self.now_ms, bd_seq=0))

    def data(self, values: dict[str, Any], at_ms: int = NOW, *, device: str | None = "scale", **more: Any) -> None:
        self.follower.take(
            Data(
                group="g",
                node=UNIT.id,
                device=device,
                received_ms=self.now_ms,
                names=tuple(values),
                datatypes=(DataType.DOUBLE,) * len(values),
                values=list(values.values()),
                timestamps_ms=[at_ms] * len(values),
                **more,
            )
        )

    def value(self, name: str) -> tuple[float | None, int, int] | None:
        return self.readings.of(UNIT.id).signals.get(name)


@pytest.fixture
def ear() -> Ear:
    made = Ear()
    made.born()
    return made


def block(at_ms: int, flow: float, schema_unit: Unit = UNIT) -> bytes:
    schema = schema_of(schema_unit)
    number, column = schema.where[SignalRef("scale", "mass_flow")]
    group = schema.groups[number]
    values = np.zeros((3, len(group.columns)))
    values[:, column] = [1.0, 2.0, flow]
    steps, quality = quantise(group, values)
    times = np.array([at_ms - 2000, at_ms - 1000, at_ms], np.int64)
    return encode_block(
        unit=schema_unit.id,
        site="s",
        province="p",
        mineral="m",
        spool=uuid.uuid4().bytes,
        number=1,
        schema=schema,
        scans=[Scans(number, times, steps, quality)],
    )


def test_a_birth_makes_a_unit_known_and_heard(ear: Ear) -> None:
    assert (ear.roster.unit("mn-01"), ear.roster.group("mn-01")) == (UNIT, "g")
    assert ear.units == [UNIT]
    assert ear.heard == [("mn-01", NOW, False)]
    ear.born()
    assert len(ear.units) == 1, "the same description is no news"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"id": 5', UNIT.to_json().replace("mn-01", "zz-01")])
def test_a_bad_description_is_counted(text: str) -> None:
    ear = Ear()
    ear.born(text)
    assert len(ear.roster) == 0
    assert ear.follower.counts["bad_description"] == 1


def test_a_device_birth_gives_values_of_any_age(ear: Ear) -> None:
    old = Metric(name="mass_flow", value=4.5, timestamp_ms=NOW - 290_000)
    null = Metric(name="belt_load", is_null=True, timestamp_ms=NOW)
    ear.follower.take(
        DeviceBorn(
            group="g", node="mn-01", device="scale", metrics={"mass_flow": old, "belt_load": null}, timestamp_ms=NOW
        )
    )
    assert ear.value("scale.mass_flow") == (4.5, NOW - 290_000, 192)
    assert ear.value("scale.belt_load") == (None, NOW, 0)


def test_what_a_birth_says_of_signals_never_read_gives_way_to_the_first_scan(ear: Ear) -> None:
    # The birth is written while the first scan is being read: its own time is the later one.
    unread = {"mass_flow": Metric(name="mass_flow", value=None, is_null=True, properties={"Quality": STALE})}
    ear.follower.take(DeviceBorn(group="g", node=UNIT.id, device="scale", metrics=unread, timestamp_ms=NOW + 60))
    ear.data({"mass_flow": 42.0}, NOW)
    assert ear.value("scale.mass_flow") == (42.0, NOW, GOOD)


def test_after_a_restart_of_the_edge_what_stood_is_stale(ear: Ear) -> None:
    ear.data({"mass_flow": 42.0}, NOW)
    unread = {"mass_flow": Metric(name="mass_flow", value=None, is_null=True, properties={"Quality": STALE})}
    ear.follower.take(DeviceBorn(group="g", node=UNIT.id, device="scale", metrics=unread, timestamp_ms=NOW + 60))
    assert ear.value("scale.mass_flow") == (42.0, NOW, STALE)


def test_newer_values_stand(ear: Ear) -> None:
    ear.data({"mass_flow": 5.0}, NOW)
    ear.data({"mass_flow": 4.0}, NOW - 1)
    assert ear.value("scale.mass_flow") == (5.0, NOW, 192)
    assert len(ear.told) == 1


def test_history_moves_nothing_live(ear: Ear) -> None:
    ear.data({"mass_flow": 5.0}, NOW + 5, historical=[True])
    assert ear.value("scale.mass_flow") is None
    assert ear.told == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "text"])
def test_what_is_no_number_is_bad_and_breaks_nothing(ear: Ear, value: object) -> None:
    ear.data({"mass_flow": value})
    assert ear.value("scale.mass_flow") == (None, NOW, 0)
    assert ear.told[0].value != ear.told[0].value


@pytest.mark.parametrize("off_ms", [-3_600_000, 3_600_000, -NOW, 2**31 * 1000 - NOW])
def test_a_wrong_clock_is_told_and_its_values_stand_only_now(ear: Ear, off_ms: int) -> None:
    ear.data({"mass_flow": 5.0}, NOW + off_ms)
    assert ear.heard[-1] == ("mn-01", NOW, True)
    assert ear.value("scale.mass_flow") == (5.0, NOW, 192)
    ear.now_ms += 1000
    ear.data({"mass_flow": 6.0}, NOW + 1000)
    assert ear.value("scale.mass_flow") == (6.0, NOW + 1000, 192)


def test_a_block_in_time_brings_its_newest_scan(ear: Ear) -> None:
    ear.data({BLOCK: block(NOW - 70_000, 7.5)}, device=None)
    assert ear.value("scale.mass_flow") == (7.5, NOW - 70_000, 192)
    ear.data({BLOCK: block(NOW - 80_000, 3.0)}, device=None)
    assert ear.value("scale.mass_flow") == (7.5, NOW - 70_000, 192)


def test_a_late_block_is_only_told_of(ear: Ear) -> None:
    ear.data({BLOCK: block(NOW - 3_600_000, 7.5)}, device=None, historical=[True])
    assert ear.value("scale.mass_flow") is None
    assert ear.late == [("mn-01", NOW - 3_602_000, NOW - 3_600_000)]


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"", "block_not_a_block"),
        (b"x" * 200, "block_not_a_block"),
        (block(NOW, 1.0)[:-3], "block_checksum"),
        (block(NOW + 7_200_000, 1.0), "block_from_the_future"),
        (block(NOW, 1.0, made_unit("zz-01")), "block_unread"),
    ],
)
def test_bad_blocks_are_counted(ear: Ear, data: bytes, count: str) -> None:
    ear.data({BLOCK: data}, device=None)
    assert ear.value("scale.mass_flow") is None
    assert ear.follower.counts[count] == 1, ear.follower.counts


def test_an_unknown_unit_is_counted_and_costs_nothing() -> None:
    other = Ear()
    other.data({"mass_flow": 1.0})
    assert other.follower.counts["unknown_unit"] == 1
    assert other.readings.as_mapping() == {}


def test_death_makes_values_stale_and_the_link_lost(ear: Ear) -> None:
    ear.data({"mass_flow": 5.0})
    readings = ear.readings.of("mn-01")
    assert readings.connection(NOW) == "live"
    ear.follower.take(NodeDied(group="g", node="mn-01", at_ms=NOW + 5, cause=DeathCause.NDEATH))
    assert ear.value("scale.mass_flow") == (5.0, NOW, 500)
    assert readings.connection(NOW + 5) == "lost"
    ear.now_ms += 1000
    ear.data({"mass_flow": 6.0}, NOW + 1000)
    assert readings.connection(NOW + 1000) == "live"


def test_a_dead_machine_is_stale_alone(ear: Ear) -> None:
    ear.data({"mass_flow": 5.0})
    ear.data({"level": 50.0}, device="feeder")
    ear.told.clear()
    ear.follower.take(DeviceDied(group="g", node="mn-01", device="scale", at_ms=NOW))
    assert [r[2] for r in (ear.value("scale.mass_flow"), ear.value("feeder.level")) if r] == [500, 192]
    assert {str(t.ref) for t in ear.told} == {"scale.mass_flow", "scale.belt_load", "scale.total"}


def test_rejections_are_counted_by_reason(ear: Ear) -> None:
    ear.follower.take(Rejected(reason=RejectReason.MALFORMED, topic="t", payload=b"", detail="d"))
    assert ear.follower.counts["rejected_malformed"] == 1


@pytest.mark.parametrize(("age_ms", "said"), [(0, "live"), (35_000, "live"), (35_001, "stale"), (60_001, "lost")])
def test_the_link_is_judged_by_the_age_of_the_last_message(age_ms: int, said: str) -> None:
    readings = UnitReadings()
    assert readings.connection(NOW) == "lost"
    readings.last_seen_ms = NOW
    assert readings.connection(NOW + age_ms) == said


def test_a_flood_of_names_is_bounded() -> None:
    readings = UnitReadings()
    for n in range(MAX_SIGNALS + 10):
        readings.put(f"m.s{n}", 1.0, NOW, 192)
    assert len(readings.signals) == MAX_SIGNALS
