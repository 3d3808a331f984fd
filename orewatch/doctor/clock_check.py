"""Clocks: whether this machine's follows a time server, and whether those of other servers agree."""

from __future__ import annotations

import ctypes
import time
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Final

from orewatch.doctor.finding import failed, note, ok, warning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orewatch.doctor.finding import Finding

AREA: Final = "clocks"
TIMEX_BYTES: Final = 512
"""Larger than the kernel's struct timex on any machine."""
STATUS_AT: Final = 40
"""Where ``status`` stands in it on 64-bit machines: after modes, offset, freq, maxerror and esterror."""
UNSYNCHRONISED: Final = 0x0040
TOLERATED_S: Final = 5.0
WRONG_S: Final = 60.0
TIMEOUT_S: Final = 5.0


def check_clocks(servers: Mapping[str, str]) -> list[Finding]:
    """Look at our own clock, and at those of HTTP servers by name and address."""
    return [_own(), *(_other(name, url) for name, url in servers.items())]


def _own() -> Finding:
    synchronised = kernel_says()
    if synchronised is None:
        return note(AREA, "this machine", "does not say whether it follows a time server")
    if synchronised:
        return ok(AREA, "this machine", "follows a time server")
    return warning(
        AREA,
        "this machine",
        "the kernel does not know of a time server that it follows",
        "install chrony; a machine without internet can follow one that has a GPS receiver",
    )


def kernel_says() -> bool | None:
    """Return whether the kernel's clock is synchronised (adjtimex(2)); None where it cannot be asked."""
    if ctypes.sizeof(ctypes.c_long) != ctypes.sizeof(ctypes.c_int64):
        return None
    try:
        buffer = ctypes.create_string_buffer(TIMEX_BYTES)
        if ctypes.CDLL(None).adjtimex(buffer) < 0:
            return None
    except (OSError, AttributeError):
        return None
    return not int.from_bytes(buffer.raw[STATUS_AT : STATUS_AT + 4], "little") & UNSYNCHRONISED


def _other(name: str, url: str) -> Finding:
    before = time.time()
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - http and https of the settings
            date = answer.headers.get("Date")
    except urllib.error.HTTPError as error:
        date = error.headers.get("Date")
    except (OSError, ValueError, HTTPException):
        return note(AREA, name, "does not answer, so its clock is not known")
    try:
        told_s = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return note(AREA, name, "tells no time")
    # To the second, and some time on the way.
    off_s = told_s + 0.5 - (before + time.time()) / 2
    if abs(off_s) < TOLERATED_S:
        return ok(AREA, name, "agrees with this machine")
    side = "ahead of" if off_s > 0 else "behind"
    detail = f"{abs(off_s):.0f} s {side} this machine"
    remedy = "have both follow the same time server"
    return (failed if abs(off_s) > WRONG_S else warning)(AREA, name, detail, remedy)
