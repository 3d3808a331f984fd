"""The two languages of the boards: tables of words beside, one set per language with the same keys."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PARTS: Final = ("words", "boards")
_PERSIAN_DIGITS: Final = str.maketrans("0123456789.", "۰۱۲۳۴۵۶۷۸۹٫")  # noqa: RUF001


class Language(StrEnum):
    """A language that every board is built in."""

    ENGLISH = "en"
    PERSIAN = "fa"

    @property
    def other(self) -> Language:
        """The one that the board's link leads to."""
        return Language.PERSIAN if self is Language.ENGLISH else Language.ENGLISH


@dataclass(frozen=True, slots=True)
class Words:
    """What the boards say in one language."""

    language: Language
    table: Mapping[str, str]

    def __call__(self, key: str, **values: str) -> str:
        """Return the words of ``key`` with ``{name}`` put in place; KeyError where the language lacks them."""
        text = self.table[key]
        return text.format(**values) if values else text

    def __contains__(self, key: str) -> bool:
        return key in self.table

    def number(self, value: float) -> str:
        """Return a number as a sentence of the language writes it."""
        text = f"{value:g}"
        return text.translate(_PERSIAN_DIGITS) if self.language is Language.PERSIAN else text

    def group(self, prefix: str) -> dict[str, str]:
        """Return the words of all keys ``prefix.x`` by x, in the order of the table."""
        start = prefix + "."
        return {key.removeprefix(start): text for key, text in self.table.items() if key.startswith(start)}


@cache
def words(language: Language) -> Words:
    """Return the words of a language, read once."""
    folder = resources.files(__package__) / "texts"
    table: dict[str, str] = {}
    for part in _PARTS:
        table |= tomllib.loads((folder / f"{part}.{language}.toml").read_text(encoding="utf-8"))
    return Words(language, table)
