"""The store that the settings name is asked with the settings' own credentials."""

from __future__ import annotations

import base64
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from api.settings import ApiSettings
from api.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Influx(BaseHTTPRequestHandler):
    asked: list[str | None]

    def do_GET(self) -> None:
        self.asked.append(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("X-Influxdb-Version", "1.8.10")
        self.end_headers()
        self.wfile.write(b'{"results":[{}]}')

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def influx() -> Iterator[tuple[str, list[str | None]]]:
    asked: list[str | None] = []
    server = HTTPServer(("127.0.0.1", 0), type("Influx", (_Influx,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"influx_token": SecretStr("t0ken")}, "Token t0ken"),
        (
            {"influx_username": "reader", "influx_password": SecretStr("pass")},
            "Basic " + base64.b64encode(b"reader:pass").decode(),
        ),
    ],
)
def test_an_influxdb_is_asked_as_whom_the_settings_say(
    tmp_path: Path, influx: tuple[str, list[str | None]], more: dict[str, object], expected: str
) -> None:
    url, asked = influx
    settings = ApiSettings.model_validate({"data_dir": tmp_path, "influx_url": url, **more})
    store = open_store(settings)
    assert store is not None
    store.latest("pb-01")
    assert expected in asked
