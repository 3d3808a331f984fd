"""Logs: text for people, a JSON object a line for machines, secrets in neither."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, SecretStr

from orewatch import logs
from orewatch.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("orewatch.test")


class Broker(BaseModel):
    password: SecretStr | None = SecretStr("hush-hush")


class Settings(BaseModel):
    broker: Broker = Broker()
    notify: tuple[SecretStr, ...] = (SecretStr("tgram://bot:token/chat"),)
    short: SecretStr = SecretStr("abc")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_json_line_has_all_that_machines_need(capsys: pytest.CaptureFixture[str]) -> None:
    logs.begin("collector", asked="json")
    log.warning("waiting %.1f s: %s", 2.5, "سنگ\nشکن", extra={"unit": "pb-01", "blocks": 3, "odd": {"a": 1}})
    (line,) = lines(capsys)
    assert line["time"].endswith("+00:00")
    assert (line["level"], line["logger"], line["process"]) == ("warning", "orewatch.test", "collector")
    assert line["message"] == "waiting 2.5 s: سنگ\nشکن"
    assert (line["unit"], line["blocks"], line["odd"]) == ("pb-01", 3, "{'a': 1}")


def test_figures_that_json_does_not_know_are_words(capsys: pytest.CaptureFixture[str]) -> None:
    logs.begin("collector", asked="json")
    log.info("rate", extra={"rate": float("nan"), "most": float("inf"), "on": True})
    (line,) = [
        json.loads(text, parse_constant=lambda word: pytest.fail(f"no JSON: {word}"))
        for text in capsys.readouterr().err.splitlines()
    ]
    assert (line["rate"], line["most"], line["on"]) == ("nan", "inf", True)


def test_what_strangers_send_is_one_line_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.begin("collector")
    log.warning("node %s", "a\n2026-11-25 ERROR root: forged\r\x1b[2J\u2028سنگ\tشکن")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(r"node a\n2026-11-25 ERROR root: forged\r\x1b[2J\u2028" + "سنگ\tشکن")


@pytest.mark.parametrize("form", logs.FORMATS)
def test_a_line_that_cannot_be_made_ends_nothing(
    capsys: pytest.CaptureFixture[str], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logs.begin("api", asked=form)
    wanting_two = "%s %s"
    log.warning(wanting_two, "one")
    assert capsys.readouterr().err == ""


def test_an_exception_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.begin("api", asked="json", hide=Settings())
    try:
        int("hush-hush")
    except ValueError:
        log.exception("a fault")
    (line,) = lines(capsys)
    assert "Traceback" in line["exception"]
    assert "'***'" in line["exception"]


@pytest.mark.parametrize("form", logs.FORMATS)
def test_no_line_shows_a_secret(capsys: pytest.CaptureFixture[str], form: str) -> None:
    logs.begin("api", asked=form, hide=Settings())
    log.info("password hush-hush, to %s, abc", "tgram://bot:token/chat", extra={"url": "tgram://bot:token/chat"})
    shown = capsys.readouterr().err
    assert "hush-hush" not in shown
    assert "bot:token" not in shown
    assert "abc" in shown, "what is too short to be told apart from a word stays"


def test_the_environment_chooses_and_the_command_line_overrules(capsys: pytest.CaptureFixture[str]) -> None:
    logs.begin("api", environ={logs.VARIABLE: "json"})
    log.info("one")
    assert lines(capsys)[0]["message"] == "one"
    logs.begin("api", asked="text", environ={logs.VARIABLE: "json"})
    log.info("two")
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 1, "a second beginning does not double the lines"
    assert shown[0].endswith("INFO orewatch.test: two")


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(SettingsError, match=r"OREWATCH_LOG_FORMAT: 'yaml'; allowed: text, json"):
        logs.begin("api", environ={logs.VARIABLE: "yaml"})
