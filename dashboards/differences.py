"""What differs between a board as Grafana has it and as it is built, told panel by panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Grafana's own bookkeeping: its number for the board, and how often it was saved.
VOLATILE: Final = frozenset({"id", "version", "iteration"})


def content(board: Mapping[str, Any], mark: str) -> dict[str, Any]:
    """Return what a board shows: without Grafana's bookkeeping, and without the variable called ``mark``."""
    kept = {key: value for key, value in board.items() if key not in VOLATILE}
    templating = kept.get("templating")
    if isinstance(templating, dict):
        variables = [variable for variable in templating.get("list", []) if variable.get("name") != mark]
        kept["templating"] = {**templating, "list": variables}
    return kept


def differences(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each panel that is added (+), goes (-) or changes (~, with what of it), and for the rest."""
    old, new = _panels(there), _panels(wanted)
    yield from (f"+ panel {name}" for name in new if name not in old)
    yield from (f"- panel {name}" for name in old if name not in new)
    for name in new:
        if name in old and (keys := _keys(old[name], new[name])):
            yield f"~ panel {name}: {keys}"
    others = [{k: v for k, v in board.items() if k != "panels"} for board in (there, wanted)]
    if keys := _keys(others[0], others[1]):
        yield f"~ board: {keys}"


def _keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    return ", ".join(key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key))


def _panels(board: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return panels by title; those of the same title are numbered, the panels of a row stand for themselves."""
    found: dict[str, Mapping[str, Any]] = {}
    flat = [inner for panel in board.get("panels", []) for inner in (panel, *panel.get("panels", []))]
    for panel in flat:
        title = name = f"“{panel.get('title', '')}”"
        number = 1
        while name in found:
            number += 1
            name = f"{title} ({number})"
        found[name] = {
            key: value for key, value in panel.items() if not (panel.get("type") == "row" and key == "panels")
        }
    return found
