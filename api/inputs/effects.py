"""What has to be computed anew when people say something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.inputs.entry import InputKind

if TYPE_CHECKING:
    from api.inputs.inputs import Changed
    from api.service import Service


def spread(service: Service, changed: Changed) -> None:
    """Let the live watch hear of it; what was computed of that time is void."""
    now_ms = service.now_ms()
    last_ms = min(now_ms, changed.last_ms or now_ms)
    service.said.changed(changed.unit)
    if changed.kind in {InputKind.STOPS, InputKind.PLANS} and changed.first_ms <= last_ms:
        service.states.late(changed.unit, changed.first_ms, last_ms)
    if changed.kind in {InputKind.ORE, InputKind.SCALE_EPOCHS}:
        service.fleet.count_again(changed.unit)
