"""The offline bundle: made with a network, installed without one, refused when a file was changed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from deploy.bundle import images
from tests.system.compose_file import FILE, ROOT, read_compose

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHONPATH"))}
    return subprocess.run(
        words, cwd=ROOT, env={**kept, **environ}, capture_output=True, text=True, check=False, timeout=240
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offline") / "bundle"
    # The small one; its scripts are the same.
    words = (sys.executable, "-m", "deploy.bundle", "--lock", "edge", "--output", str(folder))
    made = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    if made.returncode and os.environ.get("OREWATCH_CI") != "1":
        pytest.skip(f"no package index answers: {made.stderr.strip()[-200:]}")
    assert made.returncode == 0, made.stderr
    return folder


def test_it_installs_without_a_network_and_works(bundle: Path, tmp_path: Path) -> None:
    # An index that nobody may ask: pip would fail on any download.
    environ = {"PYTHON": sys.executable, "PIP_INDEX_URL": "http://127.0.0.1:9/none", "PIP_RETRIES": "0"}
    done = run("sh", str(bundle / "install.sh"), str(tmp_path / "orewatch"), **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    orewatch = str(tmp_path / "orewatch/bin/orewatch")
    assert run(orewatch, "simulate", "--write-units", str(tmp_path / "units")).returncode == 0
    checked = run(orewatch, "agent", "--check", "--config", str(tmp_path / "units/zn-01.toml"))
    assert "well. Unit zn-01" in checked.stdout, checked.stderr
    # The edge has no part of the centre, and says how to get one.
    missing = run(orewatch, "api", "--config", "api.toml")
    assert "pip install 'orewatch[api]'" in missing.stderr


def test_where_it_goes_is_seen_from_where_it_was_called(bundle: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    asked = tmp_path / "asked"
    # Says what it is, and what it is asked to make.
    python.write_text(
        f'#!/bin/sh\n[ "$1" = -m ] || exec {sys.executable} "$@"\necho "$3" > {asked}\nexit 9\n', encoding="utf-8"
    )
    python.chmod(0o755)
    words = ("sh", str(bundle / "install.sh"), "here/orewatch")
    done = subprocess.run(
        words, cwd=tmp_path, env={**os.environ, "PYTHON": "./python"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 9, done.stdout + done.stderr
    assert asked.read_text().strip() == str(tmp_path / "here/orewatch")


def docker(folder: Path, images: str, *, fails: bool = False) -> str:
    """Put a Docker that only writes down what it is asked into ``folder``; return the PATH that finds it."""
    (folder / "docker").write_text(
        f"""#!/bin/sh
echo "$@" >> {folder}/asked
case "$*" in
*"config --images") printf '%s\\n' {images} ;;
save*) [ {int(fails)} = 0 ] && echo packed > "$3" ;;
esac
""",
        encoding="utf-8",
    )
    (folder / "docker").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_images_are_packed_as_env_calls_them_or_not_at_all(tmp_path: Path) -> None:
    script = tmp_path / "save-images.sh"
    script.write_bytes((ROOT / "deploy/offline/save-images.sh").read_bytes())
    named = "r.example.ir/orewatch:0.1.0 r.example.ir/influxdb:2.7.12"
    path = docker(tmp_path, named + " r.example.ir/orewatch:0.1.0")
    done = run("sh", str(script), PATH=path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "asked").read_text().splitlines()[-1] == (
        "save --output images.tar r.example.ir/influxdb:2.7.12 r.example.ir/orewatch:0.1.0"
    )
    (tmp_path / "images.tar.gz").unlink()
    for path, says in (
        (docker(tmp_path, named, fails=True), ""),
        (docker(tmp_path, "influxdb:2.7.12@sha256:0"), "allowed: no OREWATCH_..._DIGEST"),
    ):
        failed = run("sh", str(script), PATH=path)
        assert failed.returncode != 0
        assert says in failed.stderr
        assert "Done" not in failed.stdout
        assert not (tmp_path / "images.tar.gz").exists()


def test_the_sums_cover_every_file_and_a_changed_one_stops_the_start(bundle: Path, tmp_path: Path) -> None:
    summed = {line.split("  ", 1)[1] for line in (bundle / "SHA256SUMS").read_text().splitlines()}
    there = {str(f.relative_to(bundle)) for f in bundle.rglob("*") if f.is_file()}
    assert there - summed == {"SHA256SUMS"}
    changed = bundle / "docker-compose.yml"
    kept = changed.read_bytes()
    changed.write_bytes(kept + b"# more\n")
    try:
        done = run("sh", str(bundle / "install.sh"), str(tmp_path / "orewatch"), PYTHON=sys.executable)
    finally:
        changed.write_bytes(kept)
    assert done.returncode != 0
    assert "docker-compose.yml" in done.stdout + done.stderr
    assert not (tmp_path / "orewatch").exists()


def test_the_wheels_of_another_python_are_refused_by_name(bundle: Path, tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho cp399 linux-other\n")
    other.chmod(0o755)
    done = run("sh", str(bundle / "install.sh"), str(tmp_path / "orewatch"), PYTHON=str(other))
    assert done.returncode == 1
    assert "cp399 linux-other; allowed" in done.stderr


def test_it_names_every_image_with_its_tag_and_carries_what_compose_binds(bundle: Path) -> None:
    named = (bundle / "images.txt").read_text().split()
    compose = read_compose()
    assert named == sorted({s["image"] for s in compose["services"].values()})
    assert named == images(FILE.read_text(encoding="utf-8"))
    for source in ("deploy/mosquitto/acl", "deploy/compose-units/zn-01.toml", "docker-compose.yml", ".dockerignore"):
        assert (bundle / source).read_bytes() == (ROOT / source).read_bytes()


def test_dry_run_and_a_folder_that_is_there_make_nothing(tmp_path: Path) -> None:
    words = (sys.executable, "-m", "deploy.bundle", "--output", str(tmp_path / "new"))
    dry = run(*words, "--dry-run")
    assert dry.returncode == 0
    assert "image influxdb:2.7." in dry.stdout
    assert not (tmp_path / "new").exists()
    (tmp_path / "new").mkdir()
    assert run(*words).returncode == 1
