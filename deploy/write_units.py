# ruff: noqa: INP001 - a script beside the files it writes
"""Writes ``deploy/compose-units``: the demo's units as the compose file runs them.

They differ from ``deploy/units`` in where PLC and broker are, and in how they enter the broker.
"""

from __future__ import annotations

from pathlib import Path

from edge_agent.simulator.unit_files import FIRST_PORT, demo_units, unit_toml

FOLDER = Path(__file__).with_name("compose-units")


def unit_files() -> dict[str, str]:
    """Return the files' texts by name."""
    files = {}
    for number, unit in enumerate(demo_units()):
        text = unit_toml(
            unit,
            plc_host="simulator",
            plc_port=FIRST_PORT + number,
            broker_host="mosquitto",
            spool=f"/var/lib/orewatch/{unit.id}.db",
        )
        entry = f'username = "{unit.id}"\npassword_file = "/run/secrets/mqtt_{unit.id}"\n'
        uplink, host, rest = text.partition('host = "mosquitto"\n')
        if not rest:
            raise ValueError(f"{unit.id}: no uplink to the broker in its file")
        files[f"{unit.id}.toml"] = uplink + host + entry + rest
    return files


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in unit_files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
