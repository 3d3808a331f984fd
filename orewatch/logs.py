"""How every process logs: text for people, or a JSON object a line for machines; secrets in neither.

``--log-format text|json`` on each command, or ``OREWATCH_LOG_FORMAT`` for all of them. Lines go to standard error.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, SecretStr

from orewatch.settings import SettingsError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

VARIABLE: Final = "OREWATCH_LOG_FORMAT"
TEXT, JSON = "text", "json"
FORMATS: Final = (TEXT, JSON)
TEXT_LINE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# A shorter secret would blot out words that are none.
LEAST_SECRET: Final = 4
HIDDEN: Final = "***"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# What the logging machinery itself puts into a record; anything else came as a field with ``extra=``.
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--log-format`` to a command."""
    parser.add_argument(
        "--log-format", choices=FORMATS, default=None, help=f"of log lines; default: {VARIABLE}, or else text"
    )


def begin(
    process: str,
    *,
    asked: str | None = None,
    level: int = logging.INFO,
    line: str = TEXT_LINE,
    hide: BaseModel | Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> None:
    """Have this process log to standard error from now on.

    ``asked``: the format as the command line has it, None: as the environment has it, or else text; ``line``: the
    form of text; ``hide``: what no line may show, texts or settings that hold secrets. :class:`SettingsError`
    where the format is unknown.
    """
    form = chosen(asked, os.environ if environ is None else environ)
    known = secrets_of(hide) if isinstance(hide, BaseModel) else hide
    secrets = tuple(sorted({s for s in known if len(s) >= LEAST_SECRET}, key=len, reverse=True))
    handler = StandardError()
    handler.setFormatter(JsonLines(process, secrets) if form == JSON else TextLines(line, secrets))
    root = logging.getLogger()
    # A second beginning takes the first one's place, and nobody else's.
    root.handlers[:] = [old for old in root.handlers if not isinstance(old, StandardError)] + [handler]
    root.setLevel(level)
    # It tells every request.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def chosen(asked: str | None, environ: Mapping[str, str]) -> str:
    """Return the format: the command line's word, or else the environment's, or else text."""
    form = asked or environ.get(VARIABLE) or TEXT
    if form not in FORMATS:
        raise SettingsError([f"{VARIABLE}: {form!r}; allowed: {', '.join(FORMATS)}"])
    return form


def secrets_of(settings: object) -> Iterator[str]:
    """Yield every secret that settings hold, however deep."""
    if isinstance(settings, SecretStr):
        yield settings.get_secret_value()
    elif isinstance(settings, BaseModel):
        for _, value in settings:
            yield from secrets_of(value)
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from secrets_of(value)


class StandardError(logging.Handler):
    """Writes to what is standard error when a line comes."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line. Where nobody reads any more, there is nobody to tell."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a line that cannot be made must not end what it tells of
            self.handleError(record)
            return
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


class TextLines(logging.Formatter):
    """Lines for people."""

    def __init__(self, line: str, secrets: tuple[str, ...]) -> None:
        super().__init__(line)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as people read it."""
        return _without(super().format(record), self._secrets)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Return its line, one of them: what strangers send must not look like lines of our own."""
        record.message = _CONTROL.sub(lambda found: repr(found[0])[1:-1], record.message)
        return super().formatMessage(record)


class JsonLines(logging.Formatter):
    """A JSON object a line: time (UTC), level, logger, process, message, and the fields given with ``extra``."""

    def __init__(self, process: str, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._process = process
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Return the record on one line, its exception included."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": self._process,
            "message": _without(record.getMessage(), self._secrets),
        }
        fields = {name: value for name, value in vars(record).items() if name not in _OWN and name not in told}
        told |= {name: _plain(value, self._secrets) for name, value in fields.items()}
        if record.exc_info:
            told["exception"] = _without(self.formatException(record.exc_info), self._secrets)
        if record.stack_info:
            told["stack"] = _without(self.formatStack(record.stack_info), self._secrets)
        return json.dumps(told, ensure_ascii=False)


def _plain(value: object, secrets: tuple[str, ...]) -> str | float | bool | None:
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    # NaN is no JSON.
    return _without(str(value), secrets)


def _without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text
