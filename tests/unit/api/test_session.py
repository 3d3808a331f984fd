from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.service import Service
from api.session import SESSION_S, Sessions
from api.settings import ApiSettings, is_loopback
from orewatch.settings import SettingsError, read_settings, validated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "a token of many characters"
NOW = 1_795_000_000_000


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "mine.example.ir"])
def test_beyond_loopback_nothing_starts_without_a_token(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="token"):
        validated(ApiSettings, {"data_dir": tmp_path, "host": host}, source="test")
    assert validated(ApiSettings, {"data_dir": tmp_path, "host": host, "token": TOKEN}, source="test").host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_loopback_needs_none(tmp_path: Path, host: str) -> None:
    assert is_loopback(host)
    assert ApiSettings(data_dir=tmp_path, host=host).token is None


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"token": "short"}, "token"),
        ({"port": 70_000}, "port"),
        ({"production_day_start_h": 24}, "production_day_start_h"),
        ({"idle_after_s": 10}, "idle_after_s"),
        ({"colour": "red"}, "colour"),
        ({"broker": {"port": 0}}, "broker.port"),
        ({"language": "de"}, "language"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_is_shown(tmp_path: Path, table: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as raised:
        validated(ApiSettings, {"data_dir": tmp_path, **table}, source="api.toml")
    assert "short" not in str(raised.value).replace("too short", "")


def test_channels_come_from_a_secret_file(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("json://hush1/\nntfy://hush2/\n")
    environ = {"T_DATA_DIR": str(tmp_path), "T_NOTIFY_FILE": str(tmp_path / "urls")}
    settings = read_settings(ApiSettings, prefix="T_", environ=environ)
    assert [u.get_secret_value() for u in settings.notify] == ["json://hush1/", "ntfy://hush2/"]
    assert "hush" not in repr(settings)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.AsyncClient]:
    settings = ApiSettings(data_dir=tmp_path, host="0.0.0.0", token=SecretStr(TOKEN))
    service = Service(settings=settings, store=None, registry=None, now_ms=lambda: NOW)
    transport = httpx.ASGITransport(app=create_app(service=service))
    yield httpx.AsyncClient(transport=transport, base_url="http://mine.example.ir")
    service.database.close()


@pytest.mark.parametrize("path", ["/api/v1/units", "/api/v1/live", "/metrics", "/openapi.json", "/api/v1/nothing"])
async def test_data_needs_the_token(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 401
    assert (await client.get(path, headers={"Authorization": "Bearer wrong"})).status_code == 401
    assert (await client.get("/api/v1/units", headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/",
        "/units/mn-01",
        "/units/mn-01/inputs",
        "/wall",
        "/alerts",
        "/alerts/1",
        "/sw.js",
        "/static/fleet.css",
    ],
)
async def test_pages_and_health_do_not(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code in {200, 304}


async def test_documents_carry_their_policy_and_everything_its_type(client: httpx.AsyncClient) -> None:
    for path in ("/", "/wall", "/units/mn-01", "/static/unit.html"):
        headers = (await client.get(path)).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'self'; base-uri 'none'"), path
        assert (headers["Referrer-Policy"], headers["Cross-Origin-Opener-Policy"]) == ("no-referrer", "same-origin")
        assert headers["Content-Type"] == "text/html; charset=utf-8"
    for path, kind in (
        ("/", "text/html; charset=utf-8"),
        ("/static/unit.js", "text/javascript"),
        ("/static/unit.css", "text/css"),
        ("/favicon.ico", "image/svg+xml"),
        ("/api/v1/units", "application/problem+json"),
    ):
        headers = (await client.get(path)).headers
        assert (headers["X-Content-Type-Options"], headers["Content-Type"]) == ("nosniff", kind), path


async def test_a_browser_logs_in_and_out(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/session", json={"token": "wrong"})).status_code == 401
    entered = await client.post("/api/v1/session", json={"token": TOKEN})
    assert entered.status_code == 204
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert (await client.get("/api/v1/units")).status_code == 200
    await client.delete("/api/v1/session")
    assert (await client.get("/api/v1/units")).status_code == 401


async def test_guessing_is_slowed(client: httpx.AsyncClient) -> None:
    codes = {(await client.post("/api/v1/session", json={"token": f"{n}"})).status_code for n in range(40)}
    assert codes == {401, 429}


async def test_long_bodies_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/session", content=b"x" * 70_000)
    assert answer.status_code == 413


def test_cookies_end_and_cannot_be_made() -> None:
    now = [NOW]
    sessions = Sessions(token=TOKEN, now_ms=lambda: now[0])
    cookie = sessions.cookie()
    assert sessions.is_cookie(cookie)
    assert not Sessions(token="another token, as long", now_ms=lambda: NOW).is_cookie(cookie)
    ends, _, signature = cookie.partition(".")
    assert not sessions.is_cookie(f"{int(ends) + 1}.{signature}")
    for broken in ("", ".", "x.y", "é.é", ends):
        assert not sessions.is_cookie(broken)
    now[0] += SESSION_S * 1000
    assert not sessions.is_cookie(cookie)


async def test_a_name_from_elsewhere_that_points_here_is_refused(tmp_path: Path) -> None:
    service = Service(settings=ApiSettings(data_dir=tmp_path), store=None, registry=None, now_ms=lambda: NOW)
    transport = httpx.ASGITransport(app=create_app(service=service))
    for host, status in (("127.0.0.1:8080", 200), ("localhost", 200), ("[::1]:8080", 200), ("evil.example", 421)):
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            assert (await client.get("/api/v1/units", headers={"Host": host})).status_code == status, host
    service.database.close()
