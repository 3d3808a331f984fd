"""An authority of one's own, as X.509: what it signs, for how long, and what it takes back.

Keys are EC P-256. A certificate's common name is the MQTT user name at the broker, so a name is a right.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence

# A gateway whose clock battery died wakes up years ago, and must come in all the same: the centre sees its clock.
NOT_BEFORE: Final = datetime(2020, 1, 1, tzinfo=UTC)
# Its certificate lies on gateways far away: it must outlive them.
AUTHORITY_LIFE: Final = timedelta(days=7305)
LIFE: Final = timedelta(days=1096)
_DAY_S: Final = 86_400


class Kind(StrEnum):
    """What a certificate is for; also the folder it lies in."""

    SERVER = "server"
    CLIENT = "client"
    UNIT = "unit"


_USES: Final = {
    # The broker asks itself how it is, with its own certificate.
    Kind.SERVER: (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
    Kind.CLIENT: (ExtendedKeyUsageOID.CLIENT_AUTH,),
    Kind.UNIT: (ExtendedKeyUsageOID.CLIENT_AUTH,),
}


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority: its certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def make_authority(*, name: str, key: ec.EllipticCurvePrivateKey, now: datetime) -> Authority:
    """Return an authority that signs itself, and no authority below it."""
    subject = _name(name)
    builder = _begun(subject, subject, key.public_key(), now + AUTHORITY_LIFE, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(authority=True), critical=True)
    return Authority(builder.sign(key, hashes.SHA256()), key)


def issue(
    authority: Authority, *, kind: Kind, name: str, key: ec.EllipticCurvePublicKey, hosts: Sequence[str], now: datetime
) -> x509.Certificate:
    """Return a certificate for ``key``, never longer than the authority's own. ``hosts``: of a server."""
    until = min(now + LIFE, authority.certificate.not_valid_after_utc)
    signer = authority.key.public_key()
    builder = _begun(_name(name), authority.certificate.subject, key, until, signer)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(_USES[kind]), critical=False)
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(h) for h in hosts]), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def revocations(
    authority: Authority, *, known: x509.CertificateRevocationList | None, more: Sequence[int], now: datetime
) -> x509.CertificateRevocationList:
    """Return the list of what is taken back: ``known`` and the serial numbers ``more``.

    It is good as long as the authority, and from as early: a broker whose list is out of its time refuses everybody.
    """
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.certificate.subject)
    builder = builder.last_update(NOT_BEFORE).next_update(authority.certificate.not_valid_after_utc)
    for entry in known or ():
        builder = builder.add_revoked_certificate(entry)
    for serial in more:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
        builder = builder.add_revoked_certificate(revoked)
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(signer, critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def days_left(certificate: x509.Certificate, now: datetime) -> float:
    """Return the days until it ends; negative when it has."""
    return (certificate.not_valid_after_utc - now).total_seconds() / _DAY_S


def hosts_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the names and addresses a server's certificate is good for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(n.value) for n in names)


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    until: datetime,
    signer: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOT_BEFORE).not_valid_after(until)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    return builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
