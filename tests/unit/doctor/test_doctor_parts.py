"""The doctor's parts: time is bounded, clocks are compared, and what a service says is passed on."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from orewatch.doctor.api_check import address_of, check_api
from orewatch.doctor.certificate_check import check_certificates, ending
from orewatch.doctor.clock_check import check_clocks
from orewatch.doctor.examination import Check, examine
from orewatch.doctor.finding import Finding, Level, failed, ok, warning
from orewatch.doctor.journal_check import check_journal
from orewatch.doctor.report import as_json, lines_of, summary
from orewatch.storage.journal import Journal
from tests.unit.test_certificates import make

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@contextmanager
def answering(status: int, body: bytes, *, off_s: float = 0.0) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers.get('Authorization', '-')}")
            self.send_response_only(status)
            self.send_header("Date", formatdate(time.time() + off_s, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def levels(found: Sequence[Finding]) -> dict[str, str]:
    return {one.name: one.level.value for one in found}


def test_a_check_that_hangs_or_breaks_keeps_no_other_from_being_said() -> None:
    def broken() -> list[Finding]:
        raise RuntimeError("oops")

    stop = threading.Event()

    def hangs() -> list[Finding]:
        stop.wait(30)
        return []

    checks = [Check("a", "hangs", hangs), Check("b", "breaks", broken), Check("c", "well", lambda: [ok("c", "well")])]
    began = time.monotonic()
    found = list(examine(checks, longest_s=0.2))
    stop.set()
    assert time.monotonic() - began < 10
    assert levels(found) == {"hangs": "failed", "breaks": "failed", "well": "ok"}
    assert "no answer within 0.2 s" in found[0].detail
    assert "RuntimeError: oops" in found[1].detail


@pytest.mark.parametrize(
    ("off_s", "level", "said"),
    [(0, "ok", "agrees"), (20, "warning", "20 s ahead"), (-3600, "failed", "3600 s behind")],
)
def test_clocks_of_others_are_compared(off_s: float, level: str, said: str) -> None:
    with answering(404, b"", off_s=off_s) as (url, _):
        found = check_clocks({"InfluxDB": url, "gone": "http://127.0.0.1:1"})
    assert found[1].level.value == level
    assert said in found[1].detail or abs(off_s) == 3600
    assert levels(found)["gone"] == "note"


READY = {
    "status": "ready",
    "degraded": ["store"],
    "checks": {
        "broker": {"ok": True, "detail": "", "remedy": ""},
        "store": {"ok": False, "detail": "history cannot be read: 503", "remedy": "start InfluxDB"},
        "clock": {"ok": None, "detail": "", "remedy": ""},
    },
}


def test_what_the_service_says_is_passed_on_with_the_token() -> None:
    with answering(200, json.dumps(READY).encode()) as (url, asked):
        found = check_api(url, "sixteen-characters")
    assert asked == ["/readyz Bearer sixteen-characters"]
    assert levels(found) == {"reach": "ok", "ready": "ok", "broker": "ok", "store": "warning", "clock": "note"}
    assert found[3].remedy == "start InfluxDB"


def test_a_service_that_is_not_ready_failed_and_so_did_one_that_is_none() -> None:
    broken = {**READY, "status": "not ready", "checks": {"broker": {"ok": False, "detail": "no link"}}}
    with answering(503, json.dumps(broken).encode()) as (url, _):
        assert levels(check_api(url, None)) == {"reach": "ok", "ready": "failed", "broker": "failed"}
    for status, body in ((404, b""), (200, b"hello"), (200, b"[1]"), (200, b'{"checks": {"a": 1}, "status": "ready"}')):
        with answering(status, body) as (url, _):
            assert levels(check_api(url, None)) == {"reach": "failed"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not answer"),
        (b"HTTP/1.0 200 OK\r\nDate: yesterday\r\n\r\n", "tells no time"),
    ],
)
def test_who_listens_may_be_anything(words: bytes, said: str) -> None:
    """One that is no web server keeps neither the other clocks nor the service's findings from being said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=speak, args=(listener, words), daemon=True).start()
        clocks = check_clocks({"InfluxDB": address})
        assert said in clocks[-1].detail
        assert levels(check_api(address, None)) == {"reach": "failed"}


def speak(listener: socket.socket, words: bytes) -> None:
    for _ in range(2):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(words)
            connection.recv(4096)


def test_where_a_service_listens_everywhere_it_is_asked_here() -> None:
    assert [address_of(h, 8080) for h in ("0.0.0.0", "::", "::1", "localhost")] == [
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://[::1]:8080",
        "http://localhost:8080",
    ]


def test_certificates_end_and_keys_belong(tmp_path: Path) -> None:
    own = make(tmp_path, "own", 400)
    key = (tmp_path / "key.pem").rename(tmp_path / "own.key")
    other = make(tmp_path, "other", 5)
    found = check_certificates(
        [("own", own), ("other", other), ("gone", tmp_path / "gone.pem")],
        [("own key", own, key), ("wrong key", other, key)],
    )
    assert levels(found) == {"own": "ok", "other": "warning", "gone": "failed", "own key": "ok", "wrong key": "failed"}
    assert ending("a", "b", -3).detail == "ended 3 days ago"


def test_the_journal_before_its_first_start_and_sound(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert levels(check_journal(data, data / "journal.db")) == {"data_dir": "note"}
    data.mkdir()
    assert levels(check_journal(data, data / "journal.db"))["file"] == "note"
    Journal.open(data / "journal.db").close()
    found = levels(check_journal(data, data / "journal.db"))
    assert (found["version"], found["soundness"], found["collector"]) == ("ok", "ok", "note")


def test_a_journal_of_a_later_version_or_with_holes(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal.open(path).close()
    with sqlite3.connect(path) as file:
        file.execute("UPDATE meta SET value = '2' WHERE key = 'version'")
    file.close()
    assert levels(check_journal(tmp_path, path))["version"] == "failed"
    whole = path.read_bytes()
    path.write_bytes(b"no database" * 1000)
    assert levels(check_journal(tmp_path, path))["file"] == "failed"
    path.write_bytes(whole[:16_384] + b"\xff" * (len(whole) - 16_384))
    assert "failed" in levels(check_journal(tmp_path, path)).values()


def test_the_table_and_the_last_line() -> None:
    found = [ok("a", "one", "fine"), warning("a", "two", "soon", "mend it"), failed("b", "three", "x " * 100, "do")]
    rows = [line for one in found for line in lines_of(one, name_width=10)]
    assert rows[0] == "  ok       one         fine"
    assert rows[2] == "                    -> mend it"
    assert max(map(len, rows)) <= 110
    assert summary(found) == "1 failed, 1 warning(s), 1 ok."
    assert summary(found[:1]) == "All is well: 1 things were looked at."
    told = json.loads(as_json(found))
    assert (told["ok"], told["failed"], told["warnings"], len(told["findings"])) == (False, 1, 1, 3)
    assert told["findings"][1]["level"] == Level.WARNING
