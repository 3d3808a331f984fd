"""A unit's clock, which the demo may set wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class UnitClock:
    """The machine's clock with an offset."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._true_ms = now_ms
        self._offset_ms = 0

    def now_ms(self) -> int:
        """Return what this unit takes for the time, ms UTC."""
        return self._true_ms() + self._offset_ms

    def follow(self, on: bool, parameters: Mapping[str, float]) -> None:
        """Obey the scenario ``jump_clock``."""
        self.jump(parameters["seconds"] if on else 0.0)

    def jump(self, seconds: float) -> None:
        """Be ``seconds`` ahead of the true time from now on."""
        self._offset_ms = round(seconds * 1000)
