"""States, reasons and levels as the boards show them: words and colours by value mappings.

Grey is normal: what needs nobody is drawn in greys and muted tones, colour is kept for what needs someone, as
on the pages (``api/pages/static/tokens.css``). The tones stand on Grafana's dark ground and on its light one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMappingResult

from orewatch.plant.states import STATE_CODES, STATES, State

if TYPE_CHECKING:
    from dashboards.language import Words

RED: Final = "#d9534a"
ORANGE: Final = "#e0963a"
GREY: Final = "#7f8b91"
CALM: Final = "#6f9484"
UNSEEN: Final = "transparent"

COLOURS: Final = {
    State.COMMS_LOSS: "#454e54",
    State.CLOCK_BAD: "#b07ab5",
    State.PLANNED_STOP: "#9aa7b1",
    State.BREAKDOWN: "#e0554b",
    State.STOPPED_UNCODED: "#8d7fd6",
    State.BLOCKED: "#d95c8c",
    State.STARVED: "#b98a5c",
    State.IDLE: "#e88a3e",
    State.STARTUP: "#6a9fc0",
    State.UNDERPERFORMING: "#d6ab3c",
    State.RUNNING: CALM,
}


def state_mapping(words: Words) -> ValueMap:
    """Return the mapping of a state's name and of its number to its word and colour."""
    results = {
        state: ValueMappingResult(text=words(f"state.{state}"), color=COLOURS[state], index=place)
        for place, state in enumerate(STATES)
    }
    by_code = {f"{STATE_CODES[state]:g}": result for state, result in results.items()}
    return ValueMap(options={**{str(state): result for state, result in results.items()}, **by_code})


def word_mapping(words: Words, *groups: str) -> ValueMap:
    """Return the mapping of stored words (``reason``, ``kind`` ...) to those of the language."""
    found = {name: text for group in groups for name, text in words.group(group).items()}
    return ValueMap(options={n: ValueMappingResult(text=t, index=i) for i, (n, t) in enumerate(found.items())})


def coloured(*results: tuple[str, str, str]) -> ValueMap:
    """Return the mapping of (value, text, colour) triples."""
    return ValueMap(
        options={v: ValueMappingResult(text=t, color=c, index=i) for i, (v, t, c) in enumerate(results)},
    )
