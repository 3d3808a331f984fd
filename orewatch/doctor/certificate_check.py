"""Certificates: whether they can be read, whether the key belongs to one, and how long they last."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Final

from orewatch.certificates import SOON_DAYS, CertificateError, not_after_ms
from orewatch.doctor.finding import failed, ok, warning

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from orewatch.doctor.finding import Finding

DAY_MS: Final = 86_400_000
AREA: Final = "certificates"


def days_left(end_ms: float) -> float:
    """Return the days until an instant."""
    return (end_ms - time.time() * 1000) / DAY_MS


def ending(area: str, name: str, days: float) -> Finding:
    """Return what there is to say of a certificate that ends in so many days."""
    if days < 0:
        return failed(area, name, f"ended {-days:.0f} days ago", "issue it anew, and restart what uses it")
    if days < SOON_DAYS:
        return warning(area, name, f"ends in {days:.0f} days", "issue it anew, and restart what uses it")
    return ok(area, name, f"ends in {days:.0f} days")


def check_certificates(
    files: Sequence[tuple[str, Path]], pairs: Sequence[tuple[str, Path, Path]], authorities: Collection[str] = ()
) -> list[Finding]:
    """Look at certificate files by name, and at (name, certificate, key) that must belong together.

    ``authorities``: names of files that hold what is trusted.
    """
    found = []
    for name, path in files:
        try:
            found.append(ending(AREA, name, days_left(not_after_ms(path, authorities=name in authorities))))
        except CertificateError as error:
            found.append(failed(AREA, name, str(error), f"mend {name}"))
    for name, certificate, key in pairs:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key)
        except OSError as error:
            detail = f"{certificate}, {key}: {error.strerror or error}"
            found.append(failed(AREA, name, detail, "they must be readable PEM files that belong together"))
        else:
            found.append(ok(AREA, name, "belongs to the certificate"))
    return found
