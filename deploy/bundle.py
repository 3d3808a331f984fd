# ruff: noqa: INP001, T201 - a script, whose words are for people
"""Makes a folder from which orewatch is installed where there is no network: wheels, images' names, sums, scripts.

``make bundle`` or ``python -m deploy.bundle --output FOLDER [--lock edge] [--dry-run]``. The wheels are for the Python
and the machine that run it.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[1]
LOCKS = ("runtime", "edge")
# What a site needs beside the wheels; folders whole.
CARRIED = (
    "docker-compose.yml",
    "LICENSE",
    "deploy/Dockerfile",
    "deploy/env.example",
    "deploy/smoke-test",
    "deploy/smoke_test.py",
    "deploy/compose-units",
    "deploy/grafana",
    "deploy/mosquitto",
    "deploy/systemd",
    "deploy/units",
    "dashboards/generated",
    "docs/guides",
    "docs/configuration.md",
)
# What the image is built from: save-images.sh builds it where there is a network.
BUILT_FROM = (
    ".dockerignore",
    "pyproject.toml",
    "README.md",
    "locks",
    "orewatch",
    "edge_agent",
    "collector",
    "api",
    "dashboards",
)
SCRIPTS = ("install.sh", "save-images.sh", "load-images.sh")
README = """orewatch {version}: everything for a site without a network.

Made for: {target}

Without Docker
  sh install.sh /opt/orewatch     compares every file with SHA256SUMS, then installs from wheels/ alone
  docs/guides/deploy.md           goes on from there: certificates, systemd

With Docker
  sh save-images.sh               once, on a machine with Docker and a network: packs images.tar.gz (images.txt)
  sh load-images.sh               at the site
  docker compose up --detach --no-build --pull never

SHA256SUMS has the sum of every file but itself: sha256sum --check SHA256SUMS
"""


def version() -> str:
    """Return the project's version."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def images(text: str) -> list[str]:
    """Return the images of a compose file, each with its tag, as they are called where .env says nothing."""
    services = yaml.safe_load(text)["services"].values()
    named = {re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", service["image"]) for service in services}
    return sorted(named)


def target() -> str:
    """Return which Python and machine the wheels are for."""
    return f"cp{sys.version_info.major}{sys.version_info.minor} {sysconfig.get_platform()}"


def sums(folder: Path) -> str:
    """Return the lines of SHA256SUMS for every file in ``folder`` but that one."""
    files = sorted(f for f in folder.rglob("*") if f.is_file() and f.name != "SHA256SUMS")
    return "".join(f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.relative_to(folder)}\n" for f in files)


def carry(names: Iterable[str], folder: Path) -> None:
    """Copy files and whole folders of the project to ``folder``, at the same places."""
    for name in names:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(source, folder / name, ignore=ignored, dirs_exist_ok=True)
        elif source.exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)


def make(folder: Path, lock: str) -> None:
    """Make the bundle in ``folder``, which must not be there yet. CalledProcessError where pip fails."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    locked = ROOT / f"locks/{lock}.txt"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    print(f"Downloading the wheels of {locked.relative_to(ROOT)} ...", flush=True)
    wanted = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(locked), "--dest", str(wheels)]
    subprocess.run([*pip, "download", *wanted], check=True)  # noqa: S603 - our own words
    print("Building our own wheel ...", flush=True)
    with tempfile.TemporaryDirectory() as clean:
        # Not in the working tree: what an older build left there would go into the wheel.
        carry((*BUILT_FROM, "LICENSE"), Path(clean))
        subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), clean], check=True)  # noqa: S603
    shutil.copy(locked, wheels / "lock.txt")
    (wheels / "FOR").write_text(target() + "\n", encoding="utf-8")
    carry((*CARRIED, *BUILT_FROM), folder)
    for name in SCRIPTS:
        shutil.copy(ROOT / "deploy/offline" / name, folder / name)
    (folder / "images.txt").write_text("\n".join(images(_compose())) + "\n", encoding="utf-8")
    (folder / "README.txt").write_text(README.format(version=version(), target=target()), encoding="utf-8")
    (folder / "SHA256SUMS").write_text(sums(folder), encoding="utf-8")


def main() -> int:
    """Return 0 when the bundle is made, 1 where it cannot be."""
    parser = argparse.ArgumentParser(description="make a folder to install orewatch from, without a network")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / f"orewatch-{version()}-bundle")
    parser.add_argument("--lock", choices=LOCKS, default="runtime", help="runtime: a centre; edge: a unit's gateway")
    parser.add_argument("--dry-run", action="store_true", help="say what would be in it")
    args = parser.parse_args()
    if args.dry_run:
        count = len(re.findall(r"^[\w.-]+==", (ROOT / f"locks/{args.lock}.txt").read_text(), re.MULTILINE))
        print(f"{args.output}: up to {count} wheels of locks/{args.lock}.txt for {target()}, and")
        print("\n".join([*(f"  {n}" for n in (*SCRIPTS, *CARRIED)), *(f"  image {i}" for i in images(_compose()))]))
        return 0
    if args.output.exists():
        print(f"{args.output} is there already; allowed: a new folder", file=sys.stderr)
        return 1
    try:
        make(args.output, args.lock)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(args.output, ignore_errors=True)
        print(f"pip failed with exit code {error.returncode}; nothing was made", file=sys.stderr)
        return 1
    size = sum(f.stat().st_size for f in args.output.rglob("*") if f.is_file())
    print(f"Done: {args.output}, {size / 1e6:.0f} MB")
    return 0


def _compose() -> str:
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
