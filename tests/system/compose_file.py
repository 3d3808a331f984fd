"""docker-compose.yml without Docker: each service's exact command, environment and files, laid out on this machine.

Every service gets a folder that stands for its root: volumes and bound folders hang in it as the file says. What must
differ is where things are (paths, hosts, ports), and nothing else.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\})")
Strings = dict[str, str]


def interpolated(value: Any, environ: Strings) -> Any:
    """Replace ``${NAME:-default}`` and ``$$`` as Compose does."""
    if isinstance(value, dict):
        return {k: interpolated(v, environ) for k, v in value.items()}
    if isinstance(value, list):
        return [interpolated(v, environ) for v in value]
    if not isinstance(value, str):
        return value
    return _VARIABLE.sub(lambda m: "$" if m[0] == "$$" else environ.get(m[1]) or m[2] or "", value)


def read_compose(environ: Strings | None = None) -> dict[str, Any]:
    """Return the file as Compose sees it, for an .env of ``environ``."""
    read: dict[str, Any] = interpolated(yaml.safe_load(FILE.read_text(encoding="utf-8")), environ or {})
    return read


def mounts(service: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Return (source, target, read only) of each volume."""
    found = []
    for text in service.get("volumes", []):
        source, target, *options = text.split(":")
        found.append((source, target, options == ["ro"]))
    return found


@dataclass(frozen=True)
class Laid:
    """A service laid out: words and variables of its process, and its health check's words."""

    name: str
    words: list[str]
    environ: Strings
    health: list[str]
    root: Path


class Layout:
    """Lays services out under ``folder``; ``ports`` maps those of the file to free ones here."""

    def __init__(self, *, folder: Path, ports: dict[int, int]) -> None:
        self.compose = read_compose()
        self._folder, self._ports = folder, ports

    def volume(self, name: str) -> Path:
        assert name in self.compose["volumes"], name
        return self._folder / "volumes" / name

    def service(self, name: str) -> Laid:
        service = self.compose["services"][name]
        root = self._folder / "roots" / name
        root.mkdir(parents=True, exist_ok=True)
        self._mount(service, root)

        def here(text: object) -> str:
            return self._here(str(text), service, root)

        # The image's entry point is orewatch; those of other makers name their program.
        ours = service["image"].startswith("orewatch:")
        words = [here(w) for w in service["command"]]
        health = [here(w) for w in service.get("healthcheck", {}).get("test", ["CMD"])]
        assert health[0] == "CMD"
        return Laid(
            name=name,
            words=[sys.executable, "-m", "orewatch", *words] if ours else words,
            environ={k: self._host(here(v)) for k, v in service.get("environment", {}).items()},
            health=_runnable(health[1:]),
            root=root,
        )

    def _mount(self, service: dict[str, Any], root: Path) -> None:
        for source, target, _ in mounts(service):
            place = root / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                continue
            if not source.startswith("."):
                self.volume(source).mkdir(parents=True, exist_ok=True)
                place.symlink_to(self.volume(source))
                continue
            place.mkdir()
            for file in (ROOT / source).iterdir():
                if file.is_file():
                    text = self._host(self._here(file.read_text(encoding="utf-8"), service, root))
                    (place / file.name).write_text(text, encoding="utf-8")

    def _here(self, text: str, service: dict[str, Any], root: Path) -> str:
        targets = {target for _, target, _ in mounts(service)}
        # /secrets, in which the folders of the parts hang.
        targets |= {str(Path(t).parent) for t in targets if Path(t).parent.parent == Path("/") and t.count("/") > 1}
        for target in sorted(targets - {"/"}, key=len, reverse=True):
            text = re.sub(rf"(?<![\w/.-]){re.escape(target)}(?=[/\s'\"]|$)", f"{root}{target}", text)
        for there, port in self._ports.items():
            text = re.sub(rf"(?<![\w.]){there}(?![\w.])", str(port), text)
        return text.replace("0.0.0.0", "127.0.0.1")

    def _host(self, text: str) -> str:
        """The services' names are host names: a whole value, in a URL, in a unit's file."""
        names = "|".join(self.compose["services"])
        return re.sub(rf"^({names})$|(?<=host = \")({names})(?=\")|(?<=//)({names})(?=:)", "localhost", text)


def _runnable(words: list[str]) -> list[str]:
    known = {"python": [sys.executable], "orewatch": [sys.executable, "-m", "orewatch"]}
    return [*known.get(words[0], words[:1]), *words[1:]] if words else []


def environment(laid: Laid) -> Strings:
    """The process's variables: this machine's without any setting of ours, and the service's own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OREWATCH_", "GF_"))}
    return {**kept, "PYTHONPATH": str(ROOT), **laid.environ}
