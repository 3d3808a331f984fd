"""What several system tests look at together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.conformance_life import Life, live

if TYPE_CHECKING:
    from tests.servers import Broker


@pytest.fixture(scope="session")
def life(mosquitto: Broker, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """One agent's recorded life: births, rebirths, deaths, outages, a stop, a restart, a kill."""
    return live(mosquitto, tmp_path_factory.mktemp("life"))
