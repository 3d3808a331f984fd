"""Addresses of stores: they are logged, so they hold no secret, and neither does the refusal of one that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.settings import ApiSettings
from collector.settings import CollectorSettings
from orewatch.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel


@pytest.mark.parametrize(
    ("model", "name"), [(ApiSettings, "INFLUX_URL"), (CollectorSettings, "INFLUX__URL")], ids=["api", "collector"]
)
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://reza:hush-hush@influxdb:8086", "holds a name or a password"),
        ("https://hush-hush@influxdb", "holds a name or a password"),
        ("influxdb:8086", "influxdb:8086"),
        ("http://", "no address"),
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_and_not_shown(
    tmp_path: Path, model: type[BaseModel], name: str, address: str, said: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(model, prefix="X_", environ={"X_DATA_DIR": str(tmp_path), f"X_{name}": address})
    assert said in str(refused.value)
    assert name.lower().replace("__", ".") in str(refused.value)
    assert "hush-hush" not in str(refused.value)


@pytest.mark.parametrize("address", ["http://influxdb:8086", "https://[::1]:8086/", "http://10.0.0.7"])
def test_addresses_are_taken_as_they_are(tmp_path: Path, address: str) -> None:
    settings = read_settings(ApiSettings, prefix="X_", environ={"X_DATA_DIR": str(tmp_path), "X_INFLUX_URL": address})
    assert settings.influx_url == address
