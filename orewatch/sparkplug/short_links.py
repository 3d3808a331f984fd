"""Tells a fight over one client id from a bad link: a broker keeps one connection per id, and throws the other out."""

from __future__ import annotations

from typing import Final

SHORT_S: Final = 10.0
IN_A_ROW: Final = 3


class ShortLinks:
    """Counts links that ended soon after they stood. Times are seconds of a clock that is never set."""

    def __init__(self) -> None:
        self._linked_s = 0.0
        self._row = 0

    def up(self, at_s: float) -> None:
        """Note that a link stands."""
        self._linked_s = at_s

    def down(self, at_s: float) -> bool:
        """Note that it is lost; True when it is time to say that somebody else may use the same id, once in a row."""
        self._row = self._row + 1 if at_s - self._linked_s < SHORT_S else 0
        return self._row == IN_A_ROW
