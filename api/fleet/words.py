"""Words for tables that leave the pages: the pages' own, read from the very files they load."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Language = Literal["en", "fa"]

_STRING = re.compile(r'^  "((?:[^"\\]|\\.)+)": "((?:[^"\\]|\\.)*)",', re.MULTILINE)
_ESCAPE = re.compile(r"\\(.)")


@cache
def strings(language: Language) -> Mapping[str, str]:
    """Return what all pages say, by key."""
    text = resources.files("api.pages").joinpath("static", "strings", f"{language}.js").read_text("utf-8")
    return {key: _ESCAPE.sub(r"\1", value) for key, value in _STRING.findall(text)}


def folded(text: str) -> str:
    """Return a text as it is compared: what keyboards write differently, letters, digits and joiners, reads alike."""
    return text.lower().translate(_ALIKE)


def word(language: Language, kind: str, code: str | None) -> str:
    """Return the word for a code from outside, as a page does: one that is not known is made readable."""
    if not code:
        return ""
    return strings(language).get(f"{kind}.{code}", code.replace("_", " "))


_ALIKE = str.maketrans("يك\u200c۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "یک 01234567890123456789")  # noqa: RUF001 - Arabic, Persian

HEADINGS: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "Unit",
        "Province",
        "Mineral",
        "Site",
        "Model",
        "State",
        "Reason",
        "Connection",
        "Rate (t/h)",
        "Target (t/h)",
        "Rate of target (%)",
        "Tonnes today",
        "Tonnes this month",
        "Days since the last tonne",
        "Unknown hours today",
        "Open alerts",
        "In this state since (Tehran)",
        "Last tonne (Tehran)",
        "Last seen (Tehran)",
        "In this state since (UTC)",
        "Last tonne (UTC)",
        "Last seen (UTC)",
        "Latitude",
        "Longitude",
        "Nameplate (t/h)",
    ),
    "fa": (
        "واحد",
        "استان",
        "مادهٔ معدنی",
        "معدن",
        "مدل",
        "وضعیت",
        "علت",
        "ارتباط",
        "نرخ (تن بر ساعت)",
        "هدف (تن بر ساعت)",
        "نرخ نسبت به هدف (٪)",
        "تناژ امروز",
        "تناژ این ماه",
        "روز از آخرین تن",
        "ساعت‌های نامعلوم امروز",
        "هشدارهای باز",
        "در این وضعیت از (تهران)",
        "آخرین تن (تهران)",
        "آخرین تماس (تهران)",
        "در این وضعیت از (UTC)",
        "آخرین تن (UTC)",
        "آخرین تماس (UTC)",
        "عرض جغرافیایی",
        "طول جغرافیایی",
        "ظرفیت اسمی (تن بر ساعت)",
    ),
}
SHEET: Mapping[Language, str] = {"en": "Fleet", "fa": "ناوگان"}
