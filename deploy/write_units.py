# ruff: noqa: INP001 - a script beside the files it writes
"""Writes ``deploy/compose-units``: the demo's units as the compose file runs them.

They differ from ``deploy/units`` in where PLC and broker are, and in how they enter the broker.
"""

from __future__ import annotations

from pathlib import Path

from edge_agent.simulator.unit_files import FIRST_PORT, demo_units, unit_toml

FOLDER = Path(__file__).with_name("compose-units")
BROKER, BROKER_PORT = "mosquitto", 8883
_TLS = """
[uplink.tls]
ca_file = "/run/secrets/ca.crt"
cert_file = "/run/secrets/tls.crt"
key_file = "/run/secrets/tls.key"

[[source]]
"""


def unit_files() -> dict[str, str]:
    """Return the files' texts by name."""
    files = {}
    for number, unit in enumerate(demo_units()):
        text = unit_toml(
            unit,
            plc_host="simulator",
            plc_port=FIRST_PORT + number,
            broker_host=BROKER,
            broker_port=BROKER_PORT,
            spool=f"/var/lib/orewatch/{unit.id}.db",
        )
        uplink, source, rest = text.partition("\n[[source]]\n")
        if not source:
            raise ValueError(f"{unit.id}: no source behind the uplink in its file")
        files[f"{unit.id}.toml"] = uplink + _TLS + rest
    return files


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in unit_files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
