"""Every question of every board, asked of a real InfluxDB as Grafana asks it, finds something."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from dashboards.queries import VARIABLES
from orewatch.plant.catalogue import catalogue
from tests.unit.dashboards.asked import boards, chosen, panels, put_in, questions
from tests.unit.dashboards.seeded import SITE, seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orewatch.storage.influx import InfluxServer, Rows

UNITS = [f"{name}-01" for name in catalogue().circuits]
OWN = {"unit_state", "unit_state_1h", "alert", "unit_info", "health", "signal_quality"}


@dataclass
class Store:
    server: InfluxServer
    now_ms: int
    known: dict[str, list[Rows]] = field(default_factory=dict)

    def ask(self, query: str) -> list[Rows]:
        # Both languages ask nearly the same.
        if query not in self.known:
            (self.known[query],) = self.server.query(query)
        return self.known[query]


@pytest.fixture(scope="module")
def store(influxd: str) -> Iterator[Store]:
    server, now_ms = seed(influxd)
    yield Store(server, now_ms)
    server.close()


def answers(store: Store, name: str, **values: list[str]) -> Iterator[tuple[str, str, list[Rows]]]:
    for question in questions(name, variables=chosen(**values), now_ms=store.now_ms):
        yield question.panel, question.ref, store.ask(question.query)


@pytest.mark.parametrize("name", boards())
def test_every_question_finds_something(store: Store, name: str) -> None:
    empty = [(panel, ref) for panel, ref, answer in answers(store, name) if not _figures(answer)]
    assert empty == []


def _figures(answer: list[Rows]) -> list[object]:
    return [value for rows in answer for row in rows.values for value in row[1:] if value is not None]


@pytest.mark.parametrize("name", ["fleet-en", "unit-en", "machines-en", "production-en"])
@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"unit": ["lead-01"]}, {"lead-01"}),
        ({"unit": ["lead-01", "zinc-01"]}, {"lead-01", "zinc-01"}),
        ({"site": [SITE]}, {"lead-01"}),
        ({"province": ["Qom"]}, {"lead-01", "manganese-01", "bauxite-01"}),
        ({"mineral": ["zinc"]}, {"zinc-01"}),
        ({"province": ["Qom"], "mineral": ["bauxite", "manganese"]}, {"bauxite-01", "manganese-01"}),
    ],
)
def test_the_variables_choose(store: Store, name: str, values: dict[str, list[str]], left: set[str]) -> None:
    seen: set[str] = set()
    for panel, ref, answer in answers(store, name, **values):
        found = {rows.tags["unit"] for rows in answer if "unit" in rows.tags}
        assert found <= left, (panel, ref)
        seen |= found
    assert seen == left


@pytest.mark.parametrize("name", ["fleet-en", "production-fa"])
def test_the_variables_hang_together(store: Store, name: str) -> None:
    variables = {v["name"]: v["query"] for v in boards()[name]["templating"]["list"]}
    assert tuple(variables) == VARIABLES

    def values(variable: str, **picked: list[str]) -> list[str]:
        query = put_in(variables[variable], variables=chosen(**picked), start_ms=0, end_ms=store.now_ms)
        return sorted(value for rows in store.ask(query) for _, value in rows.values)

    assert values("unit") == sorted(UNITS)
    assert values("province") == ["Qom"]
    assert values("site") == ["Jajarm", SITE]
    assert values("site", province=["Qom"]) == ["Jajarm", SITE]
    assert values("unit", province=["Qom"], site=["Jajarm"]) == ["bauxite-01", "manganese-01"]
    assert values("unit", site=[SITE], mineral=["lead"]) == ["lead-01"]


@pytest.mark.parametrize("name", boards())
def test_every_column_of_every_table_is_in_the_answer(store: Store, name: str) -> None:
    found: dict[str, set[str]] = {}
    for panel, _, answer in answers(store, name):
        columns = {c for rows in answer for c in (*rows.columns, *rows.tags)}
        found.setdefault(panel, set()).update("Time" if c == "time" else c for c in columns)
    for shown in panels(boards()[name]):
        columns = found.get(shown["title"], set())
        for step in shown.get("transformations", []):
            if step["id"] == "calculateField":
                assert {step["options"]["binary"][side] for side in ("left", "right")} <= columns
                columns |= {step["options"]["alias"]}
            if step["id"] == "filterFieldsByName":
                assert set(step["options"]["include"]["names"]) <= columns, shown["title"]
            if step["id"] == "joinByField":
                assert step["options"]["byField"] in columns


def test_figures_are_what_was_seeded(store: Store) -> None:
    fleet = {panel: answer for panel, ref, answer in answers(store, "fleet-en") if ref == "A"}
    assert fleet["Units"][0].values[0][1] == 4
    assert fleet["Without contact"][0].values[0][1] == 1
    assert fleet["Tonnes"][0].values[0][1] == pytest.approx(4 * 5)
    production = {panel: answer for panel, _, answer in answers(store, "production-en", unit=["lead-01"])}
    assert production["Dry tonnes"][0].values[0][1] == pytest.approx(71 * 6)
    assert production["Of target"][0].values[0][1] == pytest.approx(75)
    assert production["Time used"][0].values[0][1] == pytest.approx(75)
    # The first hour has no earlier one to be compared with.
    assert production["Energy"][0].values[0][1] == pytest.approx(70 * 180)
    machines = {panel: answer for panel, _, answer in answers(store, "machines-en", unit=["lead-01"])}
    hours = {rows.tags["machine"]: rows.values[0][1] for rows in machines["Hours run in the time shown"]}
    # The board opens with a day.
    assert hours["jaw"] == pytest.approx(0.5 * 24, abs=0.6)
    assert "scale" not in hours


@pytest.mark.parametrize("shift_ms", [0, 600_000])
def test_no_hour_shown_is_left_out_of_what_was_gained(store: Store, shift_ms: int) -> None:
    def total(title: str) -> float:
        (panel,) = [p for p in panels(boards()["production-en"]) if p["title"] == title and p["type"] == "stat"]
        end_ms = store.now_ms - 4 * 3_600_000
        start_ms = end_ms // 3_600_000 * 3_600_000 - 24 * 3_600_000 + shift_ms
        query = put_in(
            panel["targets"][0]["query"], variables=chosen(unit=["lead-01"]), start_ms=start_ms, end_ms=end_ms
        )
        (rows,) = store.ask(query)
        return float(str(rows.values[0][1]))

    # Seeded: 6 dry tonnes, 180 kWh and 40 litres in each hour.
    assert total("Energy") / total("Dry tonnes") == pytest.approx(180 / 6)
    assert total("Fuel") / total("Dry tonnes") == pytest.approx(40 / 6)


def test_days_are_those_of_tehran(store: Store) -> None:
    daily = {panel: answer for panel, _, answer in answers(store, "production-en")}["Tonnes per day"]
    starts = {row[0] % 86_400_000 for rows in daily for row in rows.values}
    assert starts == {(20 * 60 + 30) * 60_000}


def test_what_is_divided_fits_together(store: Store) -> None:
    found: dict[str, dict[str, dict[tuple[str, int], float]]] = {}
    for panel, ref, answer in answers(store, "production-en"):
        values = {(rows.tags.get("unit", ""), row[0]): row[1] for rows in answer for row in rows.values}
        found.setdefault(panel, {})[ref] = values
    for title, each in (("Energy per tonne, per day", 30.0), ("Fuel per tonne, per day", 40 / 6)):
        taken, tonnes = found[title]["A"], found[title]["B"]
        # The first hour has no earlier one, and may be the only one of its day.
        assert tonnes.keys() - taken.keys() <= {(unit, min(day for _, day in tonnes)) for unit in UNITS}
        assert taken.keys() <= tonnes.keys()
        whole = sorted(taken)[1]
        assert taken[whole] / tonnes[whole] == pytest.approx(each)


@pytest.mark.parametrize("name", boards())
def test_questions_keep_to_what_every_version_answers(name: str) -> None:
    for panel in panels(boards()[name]):
        for target in panel.get("targets", []):
            query = target.get("query", "SELECT ")
            assert query.startswith("SELECT "), panel["title"]
            assert not re.search(r"\b(INTO|tz\(|SLIMIT|SOFFSET|DROP|DELETE)\b", query), panel["title"]
            for sources in re.findall(r"FROM ([^(]+?) WHERE", query):
                for source in sources.split(", "):
                    # Named one by one: a pattern would find our own measurements among the machines'.
                    assert re.fullmatch(r'("hours"\.)?"[a-z_0-9]+"', source), source
                    measurement = source.split(".")[-1].strip('"')
                    assert measurement.removesuffix("_1h") in catalogue().classes.keys() | OWN or measurement in OWN
