"""When a host may ask which node for its births: spaced per node, staggered over all, backing off."""

from __future__ import annotations

from dataclasses import dataclass

MAX_SPACING_MS = 300_000
ANSWERED_SPACING_MS = 1_000


@dataclass(slots=True)
class _Asked:
    free_ms: int = 0  # not asked again before this time
    unanswered: int = 0
    typed: bool = False


class RebirthPacer:
    """Decides when to ask. Node keys are (group, node).

    A request that comes too early waits; a birth that arrives meanwhile cancels it.
    """

    def __init__(self, *, spacing_ms: int, stagger_ms: int, max_nodes: int) -> None:
        self._spacing_ms = spacing_ms
        self._stagger_ms = stagger_ms
        self._max_nodes = max_nodes
        self._asked: dict[tuple[str, str], _Asked] = {}
        self._waiting: dict[tuple[str, str], str] = {}
        self._free_ms = 0

    def want(self, node: tuple[str, str], why: str, now_ms: int) -> bool:
        """Note that a node should be asked; True: ask it now."""
        if node not in self._asked:
            if len(self._asked) >= self._max_nodes:
                return False
            self._asked[node] = _Asked()
        if self._may_ask(node, now_ms):
            self._note(node, now_ms)
            return True
        self._waiting.setdefault(node, why)
        return False

    def due(self, now_ms: int) -> list[tuple[tuple[str, str], str]]:
        """Return the waiting requests whose time has come, with why each was wanted."""
        out = []
        for node, why in list(self._waiting.items()):
            if now_ms < self._free_ms:
                break
            if self._may_ask(node, now_ms):
                self._note(node, now_ms)
                out.append((node, why))
        return out

    def answered(self, node: tuple[str, str], now_ms: int) -> None:
        """Note a birth: nothing is wanted any more, and the next request need not wait long."""
        self._waiting.pop(node, None)
        asked = self._asked.get(node)
        if asked is not None:
            asked.typed = asked.typed or asked.unanswered > 1
            asked.unanswered = 0
            asked.free_ms = min(asked.free_ms, now_ms + min(self._spacing_ms, ANSWERED_SPACING_MS))

    def typed(self, node: tuple[str, str]) -> bool:
        """Whether commands to a node must state datatypes.

        The specification asks to leave them out, and some peers then read no value at all: a node that
        does not answer is asked again with them, and one that answers only that keeps getting them.
        """
        asked = self._asked.get(node)
        return asked is not None and (asked.typed or asked.unanswered > 1)

    def clear(self) -> None:
        """Forget everything: the link to the broker is new."""
        self._asked.clear()
        self._waiting.clear()

    def _may_ask(self, node: tuple[str, str], now_ms: int) -> bool:
        # A clock set far back must not silence the requests.
        asked = self._asked[node]
        if asked.free_ms - now_ms > 2 * MAX_SPACING_MS:
            asked.free_ms = now_ms
        if self._free_ms - now_ms > MAX_SPACING_MS:
            self._free_ms = now_ms
        return now_ms >= asked.free_ms and now_ms >= self._free_ms

    def _note(self, node: tuple[str, str], now_ms: int) -> None:
        asked = self._asked[node]
        asked.free_ms = now_ms + min(self._spacing_ms << min(asked.unanswered, 16), MAX_SPACING_MS)
        asked.unanswered += 1
        self._free_ms = now_ms + self._stagger_ms
        self._waiting.pop(node, None)
