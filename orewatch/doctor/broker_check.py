"""The broker, as one of us sees it: name and port, TLS, credentials, and whether our messages come through.

A broker's access list tells nobody what it refuses. So what a host may do is tried: a command to a node that does not
exist is sent, and must come back over our own subscription. Hosts pass over commands that others send.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from orewatch.doctor.certificate_check import days_left, ending
from orewatch.doctor.finding import failed, note, ok
from orewatch.sparkplug.actions import Publish, Subscribe
from orewatch.sparkplug.client import MqttClient, MqttError

if TYPE_CHECKING:
    from orewatch.doctor.finding import Finding
    from orewatch.sparkplug.client import TlsSettings

CONNECT_S: Final = 5.0
ECHO_S: Final = 5.0
NOBODY: Final = "orewatch-doctor"
_VERIFY: Final = {
    ssl.SSLCertVerificationError: "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccount:
    """A way to the broker: whose it is, and what it is. ``host`` True: it hears everybody and commands."""

    who: str
    address: str
    port: int
    username: str | None
    password: str | None
    tls: TlsSettings | None
    group: str = "orewatch"
    hears_all: bool = True
    setting: str = "broker"


def check_broker(account: BrokerAccount) -> list[Finding]:
    """Return what came of each step, up to the first that failed."""
    area, where = f"broker, as the {account.who}", f"{account.address}:{account.port}"
    found: list[Finding] = []
    try:
        with socket.create_connection((account.address, account.port), CONNECT_S) as plain:
            found.append(ok(area, "reach", where))
            if account.tls is not None:
                found += _shake_hands(area, account, plain)
    except OSError as error:
        remedy = f"start the broker, or mend {account.setting}.host and {account.setting}.port"
        return [failed(area, "reach", f"{where}: {error.strerror or error}", remedy)]
    if any(one.level == "failed" for one in found):
        return found
    return found + asyncio.run(_speak(area, account))


def _shake_hands(area: str, account: BrokerAccount, plain: socket.socket) -> list[Finding]:
    assert account.tls is not None  # noqa: S101 - the caller looked
    try:
        context = account.tls.context()
    except OSError as error:
        detail = f"{error.strerror or error} ({account.tls.ca or 'the system authorities'}, {account.tls.certificate})"
        remedy = f"mend {account.setting}: its certificate and key must be readable PEM and belong together"
        return [failed(area, "TLS", detail, remedy)]
    try:
        with context.wrap_socket(plain, server_hostname=account.address) as secure:
            told = secure.getpeercert() or {}
            version = secure.version() or ""
    except ssl.SSLCertVerificationError as error:
        return [failed(area, "TLS", error.verify_message, _verify_remedy(error.verify_message, account))]
    except OSError as error:
        remedy = "see that this port speaks TLS, and that the broker accepts our certificate"
        return [failed(area, "TLS", str(error.strerror or error), remedy)]
    found = [ok(area, "TLS", version)]
    ends = str(told.get("notAfter", ""))
    if ends:
        found.append(ending(area, "broker's certificate", days_left(ssl.cert_time_to_seconds(ends) * 1000)))
    return found


def _verify_remedy(said: str, account: BrokerAccount) -> str:
    if "mismatch" in said or "not valid for" in said:
        return f"the certificate must name {account.address!r}: issue it anew, or mend {account.setting}.host"
    if "expired" in said:
        return "issue the broker's certificate anew, and look at this machine's clock"
    if "not yet valid" in said:
        return "set this machine's clock"
    return f"name the authority that signed the broker's certificate: {account.setting}.ca (api: ca_file)"


async def _speak(area: str, account: BrokerAccount) -> list[Finding]:
    heard = asyncio.Event()
    topic = f"spBv1.0/{account.group}/NCMD/{NOBODY}"
    client = MqttClient(
        host=account.address,
        port=account.port,
        # Never the process's own: the broker would throw the running one out.
        client_id=f"{NOBODY}-{os.getpid()}",
        on_message=lambda on, _: heard.set() if on == topic else None,
        username=account.username,
        password=account.password,
        tls=account.tls,
        connect_timeout_s=CONNECT_S,
    )
    try:
        await client.connect(None)
    except MqttError as error:
        if not error.permanent:
            return [failed(area, "connect", str(error), "look at the broker's log")]
        remedy = f"mend {account.setting}'s user name and password or certificate, or the broker's list of accounts"
        return [failed(area, "connect", str(error), remedy)]
    name = "no user name" if account.username is None else f"as {account.username}"
    found = [ok(area, "connect", "by certificate" if account.tls and account.tls.certificate else name)]
    try:
        if not account.hears_all:
            found.append(note(area, "access list", "cannot be tried: a unit does not hear its own messages"))
            return found
        client.subscribe(Subscribe("spBv1.0/#"))
        client.send(Publish(topic, b"", qos=1))
        try:
            await asyncio.wait_for(heard.wait(), ECHO_S)
        except TimeoutError:
            remedy = (
                f"let this account read spBv1.0/# and write spBv1.0/{account.group}/NCMD/+ in the broker's access list"
            )
            found.append(failed(area, "access list", "a command of ours did not come back to us", remedy))
        else:
            found.append(ok(area, "access list", "hears everybody, and may command"))
    finally:
        await client.disconnect()
    return found
