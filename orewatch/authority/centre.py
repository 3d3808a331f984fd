"""What the parts of the centre need to trust each other, and who gets what: the whole policy is one table."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from orewatch.authority.cabinet import CA, CERTIFICATE, KEY, Cabinet
from orewatch.authority.files import FOR_GROUP, PRIVATE, CertificateError, make_folder, put_new, put_over
from orewatch.authority.signing import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# The broker as the other containers call it, and as one on its own machine does.
BROKER_HOSTS: Final = ("mosquitto", "localhost", "127.0.0.1")
SECRET_BYTES: Final = 24
_HOLDER_FILES: Final = (CA, CERTIFICATE, KEY)


@dataclass(frozen=True, slots=True)
class Audience:
    """A part of the centre, and what is handed out to it: a certificate of its own or none, and secrets."""

    name: str
    kind: Kind | None
    secrets: tuple[str, ...]


AUDIENCES: Final = (
    Audience("mosquitto", Kind.SERVER, ()),
    Audience("influxdb", None, ("influx_password", "influx_token")),
    Audience("collector", Kind.CLIENT, ("influx_token",)),
    Audience("api", Kind.CLIENT, ("influx_token", "api_token")),
    Audience("grafana", None, ("influx_token", "grafana_password")),
)


def prepare(cabinet: Cabinet, *, hand_out: Path, hosts: Sequence[str]) -> Iterator[str]:
    """Make what is missing, renew what ends soon, and give every part its own; yield what was done, for people.

    Safe to run again at any time: keys and secrets that are there are never overwritten.
    ``hosts``: names and addresses by which units reach the broker. :class:`CertificateError`.
    """
    _check_handed_out(cabinet, hand_out)
    yield cabinet.ensure_authority()
    names = sorted({s for a in AUDIENCES for s in a.secrets})
    for name in names:
        yield _ensure_secret(cabinet, name)
    for audience in AUDIENCES:
        if audience.kind:
            wanted = (*BROKER_HOSTS, *hosts) if audience.kind is Kind.SERVER else ()
            # Names of an earlier run stay: units far away may know the broker by them.
            wanted += cabinet.hosts(audience.kind, audience.name)
            yield cabinet.ensure(audience.kind, audience.name, hosts=tuple(dict.fromkeys(wanted)))
        folder = hand_out / audience.name
        if audience.kind:
            give(cabinet, audience.kind, audience.name, folder)
        if audience.kind is Kind.SERVER:
            _copy(cabinet.revoked_file, folder)
        for name in audience.secrets:
            _copy(cabinet.folder / "secrets" / name, folder)
        yield f"{audience.name}: handed out in {folder}"


def give(cabinet: Cabinet, kind: Kind, name: str, folder: Path) -> None:
    """Copy a holder's three files to ``folder``, readable by its owner and its group alone."""
    for file in _HOLDER_FILES:
        _copy(cabinet.holder_folder(kind, name) / file, folder)


def _check_handed_out(cabinet: Cabinet, hand_out: Path) -> None:
    """See that the parts hold this folder's secrets, before anything is made: the folder may have been lost."""
    for audience in AUDIENCES:
        for name in audience.secrets:
            copy, file = hand_out / audience.name / name, cabinet.folder / "secrets" / name
            if copy.exists() and not (file.exists() and copy.read_bytes() == file.read_bytes()):
                raise CertificateError(
                    f"{copy} is not {file}; allowed: the same. Bring {cabinet.folder} back from its backup, or remove "
                    "what is wrong, and start again"
                )


def _ensure_secret(cabinet: Cabinet, name: str) -> str:
    file = cabinet.folder / "secrets" / name
    there = file.exists()
    if not there:
        make_folder(file.parent)
        put_new(file, secrets.token_hex(SECRET_BYTES).encode(), mode=PRIVATE)
    return f"secret {name}: {'kept' if there else 'made'}"


def _copy(file: Path, folder: Path) -> None:
    make_folder(folder, mode=0o750)
    content, copy = file.read_bytes(), folder / file.name
    if not copy.exists() or copy.read_bytes() != content:
        put_over(copy, content, mode=FOR_GROUP)
