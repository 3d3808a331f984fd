"""Names as InfluxDB keeps them: what line protocol cannot carry, what servers reserve, and the way back."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TAGS: Final = ("machine", "mineral", "province", "site", "unit")
# A field of these names would hide a tag, or is refused by the server.
_RESERVED: Final = frozenset({"time", "signal", *TAGS})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@lru_cache(maxsize=65_536)
def clean(text: str) -> str:
    """Return a name that every server stores alike.

    Line protocol cannot carry control characters, and a backslash means different things to different
    servers; a wide backslash looks the same to people.
    """
    return _CONTROL.sub(" ", text).replace("\\", "\N{FULLWIDTH REVERSE SOLIDUS}")


def measurement_name(name: str) -> str:
    """Return the stored name of a measurement; a ``#`` in front would make its lines comments."""
    name = clean(name) or "_"
    return "\N{FULLWIDTH NUMBER SIGN}" + name[1:] if name[0] == "#" else name


def field_name(name: str) -> str:
    """Return the stored name of a field, one that no tag and no server reserves."""
    name = clean(name) or "_"
    return f"{name}_" if name in _RESERVED else name


def original_name(name: str) -> str:
    """Return the name behind a stored tag value; control characters stay the spaces they became."""
    return name.replace("\N{FULLWIDTH REVERSE SOLIDUS}", "\\")


def original_field(name: str) -> str:
    """Return the signal behind a stored field's name."""
    return name[:-1] if name.endswith("_") and name[:-1] in _RESERVED else original_name(name)


def escaped(name: str) -> bytes:
    """Return a tag key, a tag value or a field key as line protocol wants it."""
    return name.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ").encode()


def series(measurement: str, tags: Iterable[tuple[str, str]]) -> bytes:
    """Return ``measurement,tag=value,...`` escaped; empty tags are left out, as the servers demand."""
    parts = [measurement_name(measurement).replace(",", "\\,").replace(" ", "\\ ").encode()]
    parts += [escaped(key) + b"=" + escaped(clean(value)) for key, value in sorted(tags) if value]
    return b",".join(parts)
