"""Points with figures and words, and their lines: what the service itself writes beside the machines' values.

A word is a string field: quotes and backslashes are escaped, line feeds stay, other control characters become
spaces. A figure is a float; what is None or not finite is left out, and so is a point of which nothing remains.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from orewatch.storage.influx_names import escaped, field_name, series

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Servers take 64 kB in a string; a sentence for a table needs far less.
LONGEST_TEXT: Final = 2000
# Line feeds are the one control character that all servers keep; lone surrogates are no text at all.
_UNFIT: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point: ``tags`` (empty ones are left out), ``fields`` float, text or None, ``time_ms`` UTC."""

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, float | str | None]
    time_ms: int


def encode_points(points: Iterable[Point]) -> bytes:
    """Return the lines of ``points``, each ending in a line feed."""
    return b"".join(map(_line, points))


def stored_text(text: str) -> str:
    """Return a string field's text as it comes back out of the store."""
    return _UNFIT.sub(" ", text)[:LONGEST_TEXT]


def _line(point: Point) -> bytes:
    fields = []
    for name, value in point.fields.items():
        if isinstance(value, str):
            shown = stored_text(value).replace("\\", "\\\\").replace('"', '\\"')
            fields.append(b'%b="%b"' % (escaped(field_name(name)), shown.encode()))
        elif value is not None and math.isfinite(value):
            fields.append(b"%b=%b" % (escaped(field_name(name)), repr(float(value)).encode()))
    if not fields:
        return b""
    return b"%b %b %d\n" % (series(point.measurement, point.tags.items()), b",".join(fields), point.time_ms)
