"""Runs the compose file's services as processes of this machine, in the order of their dependencies."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from tests.servers import free_port, program, running_influxd
from tests.system.compose_file import Laid, Layout, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

UNITS = ("pb-01", "zn-01", "mn-01", "bx-01")
FIRST_PLC = 5020
HEALTHY_S = 40.0


@dataclass
class Centre:
    layout: Layout
    ports: dict[int, int]
    stack: ExitStack
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def once(self, name: str) -> str:
        """Run a service that ends by itself, and return what it said."""
        laid = self.layout.service(name)
        done = subprocess.run(
            laid.words, env=environment(laid), capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name: str, **environ: str) -> Laid:
        laid = self.layout.service(name)
        log = laid.root / "log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                laid.words,
                env={**environment(laid), **environ},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=laid.root,
            )
        self.started[name] = process
        self.stack.callback(stop, process)
        return laid

    def said(self, name: str) -> str:
        return (self.layout.service(name).root / "log").read_text(errors="replace")[-3000:]

    def healthy(self, name: str) -> None:
        """Wait until the service's own check, as the file has it, is content."""
        laid = self.layout.service(name)
        end = time.monotonic() + HEALTHY_S
        while True:
            done = subprocess.run(
                laid.health, env=environment(laid), capture_output=True, text=True, check=False, timeout=30
            )
            if done.returncode == 0:
                return
            assert self.started[name].poll() is None, f"{name} ended: {self.said(name)}"
            assert time.monotonic() < end, f"{name}: {done.stdout}{done.stderr}\n{self.said(name)}"
            time.sleep(0.3)

    def secret(self, volume: str, name: str) -> Path:
        return self.layout.volume(volume) / name

    def get(self, path: str) -> Any:
        return self.ask(path).json()

    def ask(self, path: str) -> httpx.Response:
        """Ask the service, with its token."""
        token = self.secret("secrets-api", "api_token").read_text()
        address = f"http://127.0.0.1:{self.ports[8080]}{path}"
        answer = httpx.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=10)
        return answer.raise_for_status()


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def eventually(what: str, seconds: float, look: Callable[[], Any]) -> Any:
    end = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.3)


def prepare_broker(laid: Laid) -> None:
    """On this machine: only on loopback, and as root where we are root (no container holds it)."""
    conf = laid.root / "mosquitto/config/mosquitto.conf"
    text = conf.read_text()
    port = text.partition("listener ")[2].split()[0]
    text = text.replace(f"listener {port}", f"listener {port} 127.0.0.1")
    if os.geteuid() == 0:
        text += "user root\n"
    conf.write_text(text)


@contextmanager
def whole_centre(folder: Path) -> Iterator[Centre]:
    plc = free_port(together=len(UNITS))
    ports = {8883: free_port(), 8080: free_port(), 8086: free_port()}
    ports |= {FIRST_PLC + i: plc + i for i in range(len(UNITS))}
    for name in ("mosquitto", "mosquitto_sub"):
        program(name)
    with ExitStack() as stack:
        centre = Centre(Layout(folder=folder, ports=ports), ports, stack)
        stack.enter_context(running_influxd(folder, ports[8086]))
        centre.once("init")
        centre.once("storage-init")
        laid = centre.layout.service("mosquitto")
        prepare_broker(laid)
        centre.start("mosquitto")
        centre.healthy("mosquitto")
        centre.start("collector")
        centre.start("api")
        centre.once("init-demo")
        centre.start("simulator")
        centre.healthy("simulator")
        for unit in UNITS:
            centre.start(f"agent-{unit}", OREWATCH_AGENT_SPOOL__BLOCK_SECONDS="5")
        yield centre
