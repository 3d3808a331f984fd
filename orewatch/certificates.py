"""When a certificate ends: read out of its PEM file with the standard library alone.

X.509 (RFC 5280, 4.1) is DER: ``Certificate { tbsCertificate { [0] version?, serial, algorithm, issuer, validity
{ notBefore, notAfter }, ... } ... }``. Only the way to ``notAfter`` is walked; nothing is verified here, which is
what the TLS library does when it connects.
"""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
# serial, algorithm and issuer stand before the validity.
_BEFORE_VALIDITY: Final = 3
_LONG: Final = 0x80
_MOST_LENGTH_BYTES: Final = 4
MAX_FILE_BYTES: Final = 1 << 20
SOON_DAYS: Final = 21.0
"""Who has to be told does not read letters each day."""


class CertificateError(ValueError):
    """The file cannot be read, or holds no certificate; the message names it."""


def not_after_ms(path: Path, *, authorities: bool = False) -> int:
    """Return when a file's certificates end, ms UTC; :class:`CertificateError`.

    Of a chain the first to end counts; of ``authorities``, which are trusted each for itself, the last: an old one
    beside its successor, or one of a system's hundred, may end.
    """
    try:
        text = path.read_bytes()[:MAX_FILE_BYTES].decode("ascii", errors="replace")
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}; allowed: a readable PEM file") from error
    found = _PEM.findall(text)
    if not found:
        raise CertificateError(f"{path}: no certificate in it; allowed: PEM")
    try:
        ends = [_not_after(ssl.PEM_cert_to_DER_cert(one)) for one in found]
    except (ValueError, IndexError) as error:
        raise CertificateError(f"{path}: not an X.509 certificate: {error}") from error
    return max(ends) if authorities else min(ends)


def _not_after(der: bytes) -> int:
    (certificate,) = _parts(der, 1)
    (body,) = _parts(certificate[1], 1)
    parts = list(_parts(body[1], _BEFORE_VALIDITY + 2))
    if parts[0][0] == _VERSION:
        parts = parts[1:]
    kind, validity = parts[_BEFORE_VALIDITY]
    if kind != _SEQUENCE:
        raise ValueError("no validity where it belongs")
    (_, (kind, raw)) = _parts(validity, 2)
    return _instant(kind, raw.decode("ascii"))


def _instant(kind: int, text: str) -> int:
    if kind == _UTC_TIME:
        # RFC 5280, 4.1.2.5.1: two digits of the year, below 50 of this century.
        text = ("20" if text[:2] < "50" else "19") + text
    elif kind != _GENERALIZED_TIME:
        raise ValueError("no time where it belongs")
    return round(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1000)


def _parts(data: bytes, most: int) -> Iterator[tuple[int, bytes]]:
    """Yield the first ``most`` elements of a DER sequence's content, as tag and content."""
    at = 0
    while at < len(data) and most:
        tag, length = data[at], data[at + 1]
        at += 2
        if length & _LONG:
            count = length & ~_LONG
            if not 0 < count <= _MOST_LENGTH_BYTES:
                raise ValueError("a length that is none")
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + length > len(data):
            raise ValueError("cut off")
        yield tag, data[at : at + length]
        at += length
        most -= 1
