"""Fixtures every room may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.servers import running_influxd, running_mosquitto, running_victoria_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Broker

# A shared machine may pause; correctness is what is tested, speed is measured in benchmarks/.
settings.register_profile("orewatch", deadline=None, max_examples=60, print_blob=True)
settings.load_profile("orewatch")


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running_mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_influxd(tmp_path_factory.mktemp("influxd")) as url:
        yield url


@pytest.fixture(scope="session")
def victoria_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_victoria_metrics(tmp_path_factory.mktemp("victoria")) as url:
        yield url
