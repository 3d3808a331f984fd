"""The boards, one file each."""

from __future__ import annotations

from typing import Final

from dashboards.boards import fleet, machines, production, service, unit

BOARDS: Final = (fleet.BOARD, unit.BOARD, machines.BOARD, production.BOARD, service.BOARD)
