"""Why a unit stands, as operators say it: the codes of ``stop_codes.toml``, and what each means for its state."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class StopEffect(StrEnum):
    """What a code makes of a standing unit."""

    PLANNED = "planned"
    FAILURE = "failure"
    DELAY = "delay"


class StopCodeError(ValueError):
    """An entry of the table is wrong; the message names it and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopCode:
    """One reason; ``title`` by language code, ``minerals`` empty: for all."""

    code: str
    title: Mapping[str, str]
    effect: StopEffect
    minerals: frozenset[str]

    def suits(self, mineral: str) -> bool:
        """Say whether units of this mineral can stand for this reason."""
        return not self.minerals or mineral in self.minerals


@cache
def stop_codes() -> Mapping[str, StopCode]:
    """Return the built-in table by code, in the order of the file."""
    text = resources.files(__package__).joinpath("stop_codes.toml").read_text(encoding="utf-8")
    return read_stop_codes(text)


def codes_for(mineral: str) -> tuple[StopCode, ...]:
    """Return the codes that suit a mineral, in the order of the file."""
    return tuple(code for code in stop_codes().values() if code.suits(mineral))


def read_stop_codes(text: str) -> dict[str, StopCode]:
    """Read a table in TOML; :class:`StopCodeError` names the entry that is wrong."""
    return {name: _code(name, entry) for name, entry in tomllib.loads(text)["code"].items()}


def _code(name: str, entry: Mapping[str, Any]) -> StopCode:
    effects = ", ".join(StopEffect)
    if entry.get("effect") not in set(StopEffect):
        raise StopCodeError(f"code.{name}: effect {entry.get('effect')!r}; allowed: {effects}")
    title = dict(entry.get("title", {}))
    if set(title) != {"en", "fa"}:
        raise StopCodeError(f"code.{name}: title in {sorted(title)}; allowed: en and fa")
    return StopCode(
        code=name,
        title=title,
        effect=StopEffect(entry["effect"]),
        minerals=frozenset(entry.get("minerals", ())),
    )
