"""The fleet as a table to take away: CSV and XLSX, in English or Persian, with the page's filter.

Names come from outside: no cell of theirs may begin a formula where the file is opened.
"""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import jdatetime
from xlsxwriter import Workbook

from api.fleet.words import HEADINGS, SHEET, Language, folded, word
from api.instants import iso
from orewatch.plant.calendar import local

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from orewatch.plant.unit import Unit

Cell = str | float | int | None

DAY_MS = 86_400_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - wide signs begin formulas, too
_LONGEST = 1000
_PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


class Wanted(NamedTuple):
    """Which units: exact values, and words that must all be found in what the page shows of a unit."""

    q: str | None = None
    province: str | None = None
    mineral: str | None = None
    site: str | None = None
    state: str | None = None

    def takes(self, unit: Unit, entry: Mapping[str, Any]) -> bool:
        """Say whether a unit is meant."""
        for name in ("province", "mineral", "site"):
            value = getattr(self, name)
            if value is not None and getattr(unit, name) != value:
                return False
        if self.state is not None and entry["state"] != self.state:
            return False
        parts = folded(self.q or "").split()
        return not parts or all(part in _haystack(unit) for part in parts)


def _haystack(unit: Unit) -> str:
    # Both what the service calls it and what the pages show, so that either can be typed.
    names = [unit.id, unit.site, unit.province, unit.mineral, unit.model]
    for language in ("en", "fa"):
        names += [word(language, "place", unit.site), word(language, "place", unit.province)]
        names.append(word(language, "mineral", unit.mineral))
    return folded(" ".join(names))


def cells(unit: Unit, entry: Mapping[str, Any], language: Language, now_ms: int) -> list[Cell]:
    """Return a unit's cells in the order of the headings; numbers as numbers, None where not known."""
    rate, target, tonne_ms = entry["throughput_tph"], entry["target_tph"], entry["last_tonne_at"]
    times = (entry["since"], tonne_ms, entry["last_seen"])
    code = entry.get("code")
    return [
        unit.id,
        word(language, "place", unit.province),
        word(language, "mineral", unit.mineral),
        word(language, "place", unit.site),
        unit.model,
        word(language, "state", entry["state"]),
        word(language, "code", code) if code else word(language, "reason", entry["reason"]),
        word(language, "connection", entry["connection"]),
        _rounded(rate, 2),
        _rounded(target, 2),
        _rounded(100 * rate / target, 1) if rate is not None and target else None,
        _rounded(entry["tonnes_today"], 1),
        _rounded(entry["tonnes_month"], 1),
        None if tonne_ms is None else max(0, now_ms - tonne_ms) // DAY_MS,
        _rounded(entry["unknown_h"], 2),
        entry["alerts"],
        *(tehran(at_ms, language) for at_ms in times),
        *(None if at_ms is None else iso(at_ms) for at_ms in times),
        unit.latitude,
        unit.longitude,
        unit.nameplate_tph,
    ]


def tehran(at_ms: int | None, language: Language) -> str | None:
    """Return the time of Tehran as people write it: ``2026-11-25 16:30``, Jalali and in Persian digits in Persian."""
    if at_ms is None:
        return None
    here = local(at_ms).replace(tzinfo=None)
    if language == "en":
        return f"{here:%Y-%m-%d %H:%M}"
    return f"{jdatetime.datetime.fromgregorian(datetime=here):%Y/%m/%d} {here:%H:%M}".translate(_PERSIAN)


def as_csv(rows: Iterable[Sequence[Cell]], language: Language) -> bytes:
    """Return CSV in UTF-8 with a byte order mark, without which Excel does not read Persian."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS[language])
    writer.writerows([_harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(rows: Iterable[Sequence[Cell]], language: Language, now_ms: int) -> bytes:
    """Return a workbook of one sheet; from right to left in Persian."""
    packed = io.BytesIO()
    with Workbook(packed, {"in_memory": True}) as book:
        book.set_properties({"created": datetime.fromtimestamp(now_ms // 1000, UTC).replace(tzinfo=None)})
        sheet = book.add_worksheet(SHEET[language])
        if language == "fa":
            sheet.right_to_left()
        heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        headings = HEADINGS[language]
        widths = [len(text) / 2 + 2 for text in headings]
        for column, text in enumerate(headings):
            sheet.write_string(0, column, text, heading)
        last = 0
        for last, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    # As text whatever it says: never a formula, a link or a number.
                    sheet.write_string(last, column, cell[:_LONGEST])
                    widths[column] = max(widths[column], min(40, len(cell) + 2))
                elif cell is not None:
                    sheet.write_number(last, column, cell)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, last, len(headings) - 1)
    return packed.getvalue()


def sorted_rows(
    entries: Iterable[tuple[Unit, Mapping[str, Any]]], wanted: Wanted, language: Language, now_ms: int
) -> Iterator[list[Cell]]:
    """Yield the cells of the units that are meant, by province, site and id."""
    meant = [(unit, entry) for unit, entry in entries if wanted.takes(unit, entry)]
    meant.sort(key=lambda pair: (pair[0].province, pair[0].site, pair[0].id))
    for unit, entry in meant:
        yield cells(unit, entry, language, now_ms)


def _harmless(text: str) -> str:
    text = text[:_LONGEST]
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _rounded(value: float | None, places: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, places)
