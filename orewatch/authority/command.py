"""``orewatch certificates``: an authority of one's own, by hand."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orewatch.authority.cabinet import RENEW_DAYS, Cabinet
from orewatch.authority.centre import BROKER_HOSTS, give
from orewatch.authority.files import CertificateError
from orewatch.authority.signing import Kind

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

FAILED: Final = 1
FOLDER: Final = Path("authority")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the ``certificates`` command."""
    parser = subparsers.add_parser(
        "certificates",
        help="an authority of your own, and certificates for broker, centre and units",
        description="Keys are made here, kept in the folder with mode 0600, and never printed.",
    )
    actions = parser.add_subparsers(metavar="action", required=True)

    def action(name: str, text: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text, description=text)
        added.add_argument("--folder", type=Path, default=FOLDER, help="the authority's folder (default: %(default)s)")
        added.set_defaults(run=run, action=name)
        return added

    made = action("authority", "make the authority; keeps one that is there")
    made.add_argument("--name", default="orewatch authority", help="what it is called (default: %(default)s)")
    server = action("server", "certificate of the broker, for the names and addresses by which it is reached")
    server.add_argument("hosts", nargs="+", metavar="HOST", help="DNS name or IP address")
    client = action("client", "certificate of a part of the centre: collector, api, or another reader")
    client.add_argument("names", nargs="+", metavar="NAME", help="its name at the broker")
    unit = action("unit", "certificate of a unit: the folder to carry to its gateway")
    unit.add_argument("names", nargs="+", metavar="UNIT", help="the unit's id")
    for one in (client, unit):
        one.add_argument("--hand-out", type=Path, help="copy its three files to a folder of its name in this one")
    action("list", "who has a certificate, and how long")
    renew = action("renew", "renew what ends soon, or the names given; keys stay")
    renew.add_argument("names", nargs="*", metavar="NAME", help="renew these, whatever they have left")
    renew.add_argument("--within-days", type=float, default=RENEW_DAYS, help="(default: %(default)g)")
    revoke = action("revoke", "take a certificate back: a gateway was stolen or lost")
    revoke.add_argument("names", nargs="+", metavar="NAME", help="whose")


def run(arguments: argparse.Namespace) -> int:
    """Run one action; return its exit code."""
    cabinet = Cabinet(folder=arguments.folder, now=datetime.now(UTC))
    return tell(_done(cabinet, arguments), command="certificates")


def tell(lines: Iterable[str], *, command: str) -> int:
    """Print what is done as it is done; 1 and the reason where it cannot be."""
    try:
        for line in lines:
            print(line, flush=True)  # noqa: T201 - for people
    except (CertificateError, OSError) as error:
        print(f"orewatch {command}: {error}", file=sys.stderr)  # noqa: T201 - for people
        return FAILED
    return 0


def _done(cabinet: Cabinet, arguments: argparse.Namespace) -> Iterable[str]:
    match arguments.action:
        case "authority":
            yield cabinet.ensure_authority(arguments.name)
        case "server":
            yield cabinet.ensure(Kind.SERVER, BROKER_HOSTS[0], hosts=tuple(dict.fromkeys(arguments.hosts)))
        case "client" | "unit" as kind:
            for name in arguments.names:
                yield cabinet.ensure(Kind(kind), name)
                yield f"  in {cabinet.holder_folder(Kind(kind), name)}"
                if arguments.hand_out is not None:
                    give(cabinet, Kind(kind), name, arguments.hand_out / name)
        case "list":
            yield f"{'days':>6}  {'kind':9}  name"
            yield _row(cabinet.days(), "authority", str(cabinet.authority_file))
            yield from (_row(h.days, h.kind, h.name) for h in cabinet.holders())
        case "renew":
            renewed = list(cabinet.renew(within_days=arguments.within_days, names=arguments.names))
            yield from renewed or [f"nothing ends within {arguments.within_days:g} days"]
        case "revoke":
            yield from (cabinet.revoke(name) for name in arguments.names)
            yield f"give the broker {cabinet.revoked_file}, and restart it"
        case other:
            raise AssertionError(other)


def _row(days: float, kind: str, name: str) -> str:
    return f"{days:6.0f}  {kind:9}  {name}"
