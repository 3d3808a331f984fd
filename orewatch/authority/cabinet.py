"""The authority's folder: its key, what it issued, what it took back.

    ca.crt  ca.key  crl.pem
    server|client|unit/<name>/{ca.crt, tls.crt, tls.key}     a folder is whole: carry it to where it is needed
                             former.crt                        what was renewed, to be taken back with the rest
    revoked/<name>-<serial>/                                   what was taken back

Whatever is there and still good is kept; a run that was broken off is finished by the next one.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from orewatch.authority.files import PRIVATE, PUBLIC, CertificateError, make_folder, put_new, put_over
from orewatch.authority.signing import (
    NOT_BEFORE,
    Authority,
    Kind,
    days_left,
    hosts_of,
    issue,
    make_authority,
    new_key,
    revocations,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

CA, CERTIFICATE, KEY, FORMER = "ca.crt", "tls.crt", "tls.key", "former.crt"
RENEW_DAYS: Final = 60.0
# Names with rights of their own in the broker's access list: nobody else may have one.
CENTRE: Final = {"collector": Kind.CLIENT, "api": Kind.CLIENT, "mosquitto": Kind.SERVER}
_NAME: Final = re.compile(r"[^+/#.\x00-\x20\x7f][^+/#\x00-\x1f\x7f]{0,63}")
# Of X.509, counted in UTF-8.
_NAME_BYTES: Final = 64
_HOST: Final = re.compile(r"[A-Za-z0-9*]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_PEM: Final = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a certificate."""

    kind: Kind
    name: str
    certificate: x509.Certificate
    days: float


class Cabinet:
    """The folder of one authority.

    Args:
        folder: where it is, or will be.
        now: the time; every answer is as of then.
    """

    def __init__(self, *, folder: Path, now: datetime) -> None:
        self.folder, self._now = folder, now

    @property
    def authority_file(self) -> Path:
        """The authority's certificate."""
        return self.folder / CA

    @property
    def revoked_file(self) -> Path:
        """The list of what was taken back."""
        return self.folder / "crl.pem"

    def holder_folder(self, kind: Kind, name: str) -> Path:
        """Where a holder's three files lie."""
        return self.folder / kind / name

    def hosts(self, kind: Kind, name: str) -> tuple[str, ...]:
        """Return the names and addresses its certificate is good for; none where there is no certificate."""
        file = self.holder_folder(kind, name) / CERTIFICATE
        return hosts_of(_certificate(file)) if file.exists() else ()

    def days(self) -> float:
        """Days until the authority ends."""
        return days_left(_certificate(self.authority_file), self._now)

    def ensure_authority(self, name: str = "orewatch authority") -> str:
        """Make the authority unless it is there; return what was done, for people."""
        key_file, there = self.folder / "ca.key", self.authority_file.exists()
        if not there:
            self._check_clock()
            _check_length(name)
            make_folder(self.folder)
            if not key_file.exists():
                put_new(key_file, _key_bytes(new_key()), mode=PRIVATE)
            made = make_authority(name=name, key=_key(key_file), now=self._now)
            put_new(self.authority_file, made.certificate.public_bytes(_PEM), mode=PUBLIC)
        if not self.revoked_file.exists():
            self._write_revoked(())
        return f"authority: {'kept' if there else 'made'}, {_until(_certificate(self.authority_file), self._now)}"

    def ensure(
        self, kind: Kind, name: str, *, hosts: Sequence[str] = (), renew_days: float = RENEW_DAYS, again: bool = False
    ) -> str:
        """Give ``name`` key and certificate unless it has good ones; return what was done, for people.

        The key stays; the certificate is made again within ``renew_days`` of its end, for other ``hosts``, for
        another authority, or ``again``. :class:`CertificateError`.
        """
        hosts = tuple(dict.fromkeys(map(_written, hosts)))
        self._check(kind, name, hosts)
        if not self.authority_file.exists():
            raise CertificateError(f"{self.folder}: no authority there; make one: orewatch certificates authority")
        folder = self.holder_folder(kind, name)
        certificate_file, key_file = folder / CERTIFICATE, folder / KEY
        if certificate_file.exists() and self._is_revoked(_certificate(certificate_file)):
            # Taking it back was broken off before the folder was put aside: its key may be in other hands.
            self.revoke(name)
        reason = "" if not again else "asked for"
        if not reason:
            reason = self._renewal(folder, hosts, renew_days) if certificate_file.exists() else "new"
        if reason:
            self._check_clock()
            authority = self._authority()
            make_folder(folder)
            if not key_file.exists():
                put_new(key_file, _key_bytes(new_key()), mode=PRIVATE)
            public = _key(key_file).public_key()
            made = issue(authority, kind=kind, name=name, key=public, hosts=hosts, now=self._now)
            put_over(folder / CA, self.authority_file.read_bytes(), mode=PUBLIC)
            if certificate_file.exists():
                # The gateway has it until it is given the new one, and whoever stole it has it longer.
                former = b"".join(_content(f) for f in (folder / FORMER, certificate_file))
                put_over(folder / FORMER, former, mode=PUBLIC)
            put_over(certificate_file, made.public_bytes(_PEM), mode=PUBLIC)
        done = {"": "kept", "new": "made"}.get(reason, f"renewed ({reason})")
        return f"{kind} {name}: {done}, {_until(_certificate(certificate_file), self._now)}"

    def holders(self) -> list[Holder]:
        """Return everybody with a certificate, the first to end first."""
        found = []
        for kind in Kind:
            for file in sorted((self.folder / kind).glob(f"*/{CERTIFICATE}")):
                certificate = _certificate(file)
                found.append(Holder(kind, file.parent.name, certificate, days_left(certificate, self._now)))
        return sorted(found, key=lambda h: h.days)

    def renew(self, *, within_days: float, names: Sequence[str] = ()) -> Iterator[str]:
        """Renew those that end ``within_days``, or ``names`` whatever they have left; yield what was done."""
        holders = self.holders()
        unknown = sorted(set(names) - {h.name for h in holders})
        if unknown:
            known = ", ".join(h.name for h in holders) or "none"
            raise CertificateError(f"no certificate of {', '.join(unknown)}; there are: {known}")
        for h in holders:
            if h.name in names or (not names and h.days < within_days):
                hosts = hosts_of(h.certificate)
                yield self.ensure(h.kind, h.name, hosts=hosts, again=True)

    def revoke(self, name: str) -> str:
        """Take back a client's or a unit's certificate and those before it, put its folder aside; say what was done."""
        found = [h for h in self.holders() if h.name == name and h.kind is not Kind.SERVER]
        if not found:
            known = ", ".join(h.name for h in self.holders() if h.kind is not Kind.SERVER) or "none"
            raise CertificateError(f"no certificate of {name!r} to take back; there are: {known}")
        serial = found[0].certificate.serial_number
        former = _content(self.holder_folder(found[0].kind, name) / FORMER)
        earlier = x509.load_pem_x509_certificates(former) if former else []
        self._write_revoked((*(c.serial_number for c in earlier), serial))
        make_folder(self.folder / "revoked")
        aside = self.folder / "revoked" / f"{name}-{serial:x}"
        self.holder_folder(found[0].kind, name).rename(aside)
        return f"{found[0].kind} {name}: taken back; its files are in {aside}"

    def _is_revoked(self, certificate: x509.Certificate) -> bool:
        known = self._taken_back()
        return (
            known is not None and known.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
        )

    def _taken_back(self) -> x509.CertificateRevocationList | None:
        try:
            return x509.load_pem_x509_crl(_content(self.revoked_file)) if self.revoked_file.exists() else None
        except ValueError as error:
            raise CertificateError(f"{self.revoked_file}: no list of what was taken back (PEM) in it") from error

    def _write_revoked(self, more: Sequence[int]) -> None:
        known = self._taken_back()
        fresh = [s for s in more if known is None or known.get_revoked_certificate_by_serial_number(s) is None]
        if known is None or fresh:
            made = revocations(self._authority(), known=known, more=fresh, now=self._now)
            put_over(self.revoked_file, made.public_bytes(_PEM), mode=PUBLIC)

    def _check_clock(self) -> None:
        if self._now < NOT_BEFORE:
            allowed = f"from {NOT_BEFORE:%Y-%m-%d} on; set the clock first"
            raise CertificateError(f"this machine's clock says {self._now:%Y-%m-%d}: allowed: {allowed}")

    def _authority(self) -> Authority:
        file = self.folder / "ca.key"
        if not file.exists():
            raise CertificateError(f"{file}: not there; the authority's key is needed to sign")
        return Authority(_certificate(self.authority_file), _key(file))

    def _renewal(self, folder: Path, hosts: Sequence[str], renew_days: float) -> str:
        """Say why the certificate there must be made again; empty: it is good."""
        certificate = _certificate(folder / CERTIFICATE)
        issuer = _certificate(self.authority_file)
        key_file = folder / KEY
        if not key_file.exists() or _key(key_file).public_key() != certificate.public_key():
            return "its key is another one"
        carried = folder / CA
        if not carried.exists() or carried.read_bytes() != self.authority_file.read_bytes():
            return "the authority is another one"
        if set(hosts_of(certificate)) != set(hosts):
            return "for other hosts"
        left = days_left(certificate, self._now)
        # One that ends with the authority gets no longer by being made again.
        ends_with_it = certificate.not_valid_after_utc >= issuer.not_valid_after_utc
        return f"{left:.0f} days were left" if left < renew_days and not ends_with_it else ""

    def _check(self, kind: Kind, name: str, hosts: Sequence[str]) -> None:
        if not _NAME.fullmatch(name):
            allowed = "1 to 64 characters without + / #, no dot at the start"
            raise CertificateError(f"name = {name!r}: allowed: {allowed}")
        _check_length(name)
        if CENTRE.get(name, kind) is not kind:
            raise CertificateError(f"name = {name!r}: a part of the centre has it, with its rights; not for a {kind}")
        taken = next((k for k in Kind if k is not kind and self.holder_folder(k, name).exists()), None)
        if taken:
            raise CertificateError(f"name = {name!r}: a {taken} has it already; a name is a right at the broker")
        for host in hosts:
            if not (_HOST.fullmatch(host) or _is_address(host)):
                raise CertificateError(f"host = {host!r}: allowed: a DNS name or an IP address, without a port")


def _check_length(name: str) -> None:
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= _NAME_BYTES:
        raise CertificateError(f"name = {name!r}: allowed: 1 to {_NAME_BYTES} bytes of UTF-8")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _written(host: str) -> str:
    """Return an address as certificates give it back: ``2001:DB8:0::1`` is ``2001:db8::1``."""
    return str(ipaddress.ip_address(host)) if _is_address(host) else host


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except ValueError as error:
        raise CertificateError(f"{file}: no certificate (PEM) in it") from error


def _key(file: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise CertificateError(f"{file}: no private key (PEM, without a pass phrase) in it") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{file}: not an EC key; allowed: EC, as made here")
    return key


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _until(certificate: x509.Certificate, now: datetime) -> str:
    return f"good until {certificate.not_valid_after_utc:%Y-%m-%d} ({days_left(certificate, now):.0f} days)"
