"""The users of the compose file's images before the files that init hands out: each reads its own, nobody else's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orewatch.authority.cabinet import Cabinet
from orewatch.authority.centre import AUDIENCES, prepare
from tests.system.compose_file import read_compose

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def handed_out() -> Iterator[Path]:
    """What init leaves behind, owned as it is where init runs as its image's user."""
    if os.geteuid() != 0:
        pytest.skip("only root can try what other users may read")
    # Not a folder of pytest's: other users may not enter those.
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        list(
            prepare(
                Cabinet(folder=folder / "authority", now=datetime(2026, 11, 25, tzinfo=UTC)),
                hand_out=folder / "secrets",
                hosts=[],
            )
        )
        (folder / "secrets").chmod(0o755)
        for file in folder.rglob("*"):
            if file != folder / "secrets":
                shutil.chown(file, *map(int, read_compose()["services"]["init"]["user"].split(":")))
        yield folder
    finally:
        shutil.rmtree(folder)


def may_read(service: dict[str, Any], file: Path) -> bool:
    user, group = map(int, service["user"].split(":"))
    groups = [int(g) for g in service.get("group_add", [])]
    done = subprocess.run(["cat", file], user=user, group=group, extra_groups=groups, capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("audience", AUDIENCES, ids=lambda a: a.name)
def test_a_part_reads_all_of_its_own(handed_out: Path, audience: Any) -> None:
    service = read_compose()["services"][audience.name]
    files = list((handed_out / "secrets" / audience.name).iterdir())
    assert files
    assert all(may_read(service, file) for file in files)


@pytest.mark.parametrize("name", ["mosquitto", "influxdb", "grafana"])
def test_without_the_group_nothing_is_read_and_the_authority_by_nobody(handed_out: Path, name: str) -> None:
    service = read_compose()["services"][name]
    for file in (f for f in (handed_out / "secrets").rglob("*") if f.is_file()):
        assert not may_read({"user": service["user"]}, file)
    assert not may_read(service, handed_out / "authority/ca.key")
