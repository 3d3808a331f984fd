"""History over HTTP: which table answered, at which step, and from when on it is complete."""

from __future__ import annotations

import numpy as np
import pytest

from api.instants import iso
from api.units.models import History
from orewatch.storage.query import HOUR_MS, Series, Table
from tests.unit.api.http_house import END, House, house
from tests.unit.api.made_plant import T0

__all__ = ["house"]


async def test_history(house: House) -> None:
    path = f"/api/v1/units/mn-01/history?machine=scale&signal=mass_flow&start={T0}"
    history = History.model_validate(await house.get(f"{path}&end={END}&step=10m"))
    assert (len(history.time), history.step_s) == (4, 600.0)
    assert history.value[0] == pytest.approx(14.25)
    raw = await house.get(
        f"/api/v1/units/mn-01/history?machine=scale&signal=mass_flow&start={END - 5000}&end={END}&aggregate=raw"
    )
    assert (len(raw["time"]), raw["step_s"]) == (5, None)


async def test_what_retention_has_removed_is_said_and_minutes_answer_where_nobody_asked_for_finer(house: House) -> None:
    house.store.pruned_ms = END
    path = f"/api/v1/units/mn-01/history?machine=scale&signal=mass_flow&start={T0}&end={T0 + 600_000}"
    for finer in ("&aggregate=raw", "&step=10s"):
        answer = await house.get(path + finer)
        History.model_validate(answer)
        assert (answer["time"], answer["table"], answer["complete_from"]) == ([], "raw", iso(T0 + 600_000))
    minutes = History.model_validate(await house.get(path))
    assert (len(minutes.time), minutes.step_s, minutes.table, minutes.complete_from) == (10, 60.0, "1m", None)
    house.store.pruned_ms = 0
    assert History.model_validate(await house.get(path)).step_s == 1.0


async def test_a_coarser_table_says_its_own_step(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = Series(np.array([T0 // HOUR_MS * HOUR_MS]), np.array([1.0]), Table.HOUR)
    monkeypatch.setattr(house.store, "series", lambda _query: hours)
    path = f"/api/v1/units/mn-01/history?machine=scale&signal=mass_flow&start={T0}&end={END}"
    for step, told in (("10s", 3600.0), ("10m", 3600.0), ("2h", 7200.0)):
        history = History.model_validate(await house.get(f"{path}&step={step}"))
        assert (history.table, history.step_s) == ("1h", told)
