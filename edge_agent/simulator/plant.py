"""A simulated processing unit: ore, power and heat through the machines of a circuit, a second at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from orewatch.plant.catalogue import SignalRef
    from orewatch.plant.unit import Unit


class Plant:
    """A simulated unit, warm and running at its target from the start.

    The same ``unit``, ``seed`` and ``start_ms`` (UTC, for the time of day) give the same plant, step by step.
    ``refs`` are the unit's signals in the order of :attr:`truth`.
    """

    unit: Unit
    refs: tuple[SignalRef, ...]
    truth: NDArray[np.float64]

    def __init__(self, *, unit: Unit, seed: int, start_ms: int = 0) -> None:
        raise NotImplementedError

    def step(self, dt_s: float = 1.0) -> None:
        """Let ``dt_s`` seconds pass."""
        raise NotImplementedError

    def read(self) -> dict[SignalRef, float]:
        """Return what the sensors show: with noise, at their resolution, within their range."""
        raise NotImplementedError

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the scenarios that are on."""
        raise NotImplementedError

    def start(self, name: str, **parameters: float) -> None:
        """Start a scenario; ScenarioError for an unknown one, or one of link or clock without a hook."""
        raise NotImplementedError

    def stop(self, name: str) -> None:
        """End a scenario; nothing happens where it is not on."""
        raise NotImplementedError

    def hook(self, name: str, callback: Callable[[bool, Mapping[str, float]], None]) -> None:
        """Have ``callback(on, parameters)`` called when a scenario of link or clock starts or ends."""
        raise NotImplementedError

    def balance(self) -> dict[str, float]:
        """Return the ore's whereabouts in t: opening, loaded, held, product, waste."""
        raise NotImplementedError

    def snapshot(self) -> dict[str, Any]:
        """Return everything :meth:`restore` needs to go on exactly, as JSON can carry it."""
        raise NotImplementedError

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Go on where a snapshot was taken; SnapshotError where it belongs to another unit, seed or version."""
        raise NotImplementedError
