"""The fleet to take away: CSV and XLSX in both languages, with the page's filter, and nothing in them that runs."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from api.fleet.export import Wanted, as_csv, as_xlsx, tehran
from api.fleet.words import HEADINGS, folded, strings, word
from tests.unit.api.http_house import MINE, OTHER, House, house

if TYPE_CHECKING:
    from httpx import Response

__all__ = ["house"]

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


async def got(house: House, path: str) -> Response:
    answer = await house.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer


def rows_of(answer: Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def cells_of(packed: bytes) -> tuple[str, list[list[Any]]]:
    """Return the sheet's XML and its cells: texts as text, numbers as float."""
    with zipfile.ZipFile(io.BytesIO(packed)) as book:
        xml = book.read("xl/worksheets/sheet1.xml").decode()
        shared = ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314 - made by ourselves
        texts = ["".join(part.itertext()) for part in shared]
        rows = []
        for row in ET.fromstring(xml).iter(f"{SHEET}row"):  # noqa: S314 - made by ourselves
            values: list[Any] = [None] * len(HEADINGS["en"])
            for cell in row:
                value = cell.findtext(f"{SHEET}v")
                shown = None if value is None else texts[int(value)] if cell.get("t") == "s" else float(value)
                values[ord((cell.get("r") or "A1")[0]) - ord("A")] = shown
            rows.append(values)
    return xml, rows


async def test_csv_reads_in_excel_and_numbers_are_numbers(house: House) -> None:
    answer = await got(house, "/api/v1/fleet.csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="orewatch-fleet-[\d-]+\.csv"', answer.headers["content-disposition"])
    head, *rows = rows_of(answer)
    assert head == list(HEADINGS["en"])
    table = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    mine = table["mn-01"]
    assert (mine["State"], mine["Reason"], mine["Province"]) == ("Starved", "feeder stopped", "Qom")
    assert float(mine["Target (t/h)"]) == MINE.target_tph
    assert float(mine["Tonnes today"]) > 0
    assert mine["Days since the last tonne"] == "0"
    assert re.fullmatch(r"2026-11-\d\d \d\d:\d\d", mine["Last tonne (Tehran)"])
    assert re.fullmatch(r"2026-11-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", mine["Last tonne (UTC)"])


async def test_persian_has_its_words_digits_and_calendar(house: House) -> None:
    head, *rows = rows_of(await got(house, "/api/v1/fleet.csv?lang=fa&q=mn-01"))
    assert head == list(HEADINGS["fa"])
    (mine,) = [dict(zip(head, row, strict=True)) for row in rows]
    assert (mine["وضعیت"], mine["استان"], mine["مادهٔ معدنی"]) == ("بی‌خوراک", "قم", "منگنز")
    assert re.fullmatch(r"۱۴۰۵/۰۸/[۰-۹]{2} [۰-۹]{2}:[۰-۹]{2}", mine["آخرین تن (تهران)"])  # noqa: RUF001 - Persian
    assert float(mine["هدف (تن بر ساعت)"]) == MINE.target_tph


@pytest.mark.parametrize(
    ("query", "units"),
    [
        ("", ["mn-01", "zn-01"]),
        ("q=zn", ["zn-01"]),
        ("q=منگنز قم", ["mn-01"]),
        ("q=Venarch zinc", ["zn-01"]),
        ("mineral=zinc", ["zn-01"]),
        ("mineral=gold", []),
        ("province=Qom&site=Venarch", ["mn-01", "zn-01"]),
        ("state=STARVED", ["mn-01"]),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_the_filter_of_the_page(house: House, kind: str, query: str, units: list[str]) -> None:
    answer = await got(house, f"/api/v1/fleet.{kind}?{query}")
    rows = rows_of(answer) if kind == "csv" else cells_of(answer.content)[1]
    assert [row[0] for row in rows[1:]] == units


@pytest.mark.parametrize(
    ("query", "field"),
    [("state=SLEEPING", "state"), ("lang=de", "lang"), (f"q={'x' * 201}", "q"), ("site=" + "y" * 201, "site")],
)
async def test_bad_questions(house: House, query: str, field: str) -> None:
    problem = await house.get(f"/api/v1/fleet.csv?{query}", 422)
    assert problem["errors"][0]["field"] == field


async def test_the_workbook(house: House) -> None:
    xml, rows = cells_of((await got(house, "/api/v1/fleet.xlsx")).content)
    assert rows[0] == list(HEADINGS["en"])
    mine = dict(zip(rows[0], rows[1], strict=True))
    assert mine["Target (t/h)"] == MINE.target_tph
    assert "rightToLeft" not in xml
    assert 'state="frozen"' in xml
    assert '<autoFilter ref="A1:Y3"' in xml
    xml, rows = cells_of((await got(house, "/api/v1/fleet.xlsx?lang=fa")).content)
    assert 'rightToLeft="1"' in xml
    assert rows[0] == list(HEADINGS["fa"])


EVIL = ['=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1", "<script>1</script>"]  # noqa: RUF001


@pytest.mark.parametrize("name", EVIL)
async def test_names_from_outside_never_become_formulas(house: House, name: str) -> None:
    house.service.roster.describe(replace(OTHER, site=name, province=name, model=name))
    row = next(r for r in rows_of(await got(house, "/api/v1/fleet.csv")) if r[0] == "zn-01")
    assert not any(cell.lstrip(" ").startswith(("=", "+", "@", "\t", "\r", "＝")) for cell in row)  # noqa: RUF001
    assert name.strip() in row[3]
    xml, rows = cells_of((await got(house, "/api/v1/fleet.xlsx")).content)
    assert "<f>" not in xml
    assert "hyperlink" not in xml
    assert any(isinstance(cell, str) and cell.strip() == name.strip() for row in rows for cell in row) or "\r" in name


def test_a_negative_number_stays_a_number() -> None:
    packed = as_csv([["a", -1.5, None]], "en").decode("utf-8-sig").splitlines()
    assert packed[1] == "a,-1.5,"
    assert cells_of(as_xlsx([["a", -1.5, None]], "en", 1_795_000_000_000))[1][1][:3] == ["a", -1.5, None]


def test_words_are_those_of_the_pages() -> None:
    assert word("fa", "state", "RUNNING") == "در حال کار"
    assert word("en", "reason", "hopper_empty") == "hopper empty"
    assert word("en", "reason", "") == word("en", "code", None) == ""
    assert word("fa", "place", "A new_place") == "A new place"
    assert len(strings("en")) > 100
    assert {key for key in strings("fa") if not key.startswith("place.")} == set(strings("en"))
    assert len(HEADINGS["en"]) == len(HEADINGS["fa"]) == len(set(HEADINGS["fa"]))


def test_times_of_tehran() -> None:
    at_ms = 1_795_433_400_000  # 2026-11-23T11:30Z
    assert tehran(at_ms, "en") == "2026-11-23 15:00"
    assert tehran(at_ms, "fa") == "۱۴۰۵/۰۹/۰۲ ۱۵:۰۰"  # noqa: RUF001 - Persian
    assert tehran(None, "fa") is None


def test_a_filter_takes_what_the_page_shows() -> None:
    entry = {"state": "RUNNING"}
    assert Wanted(q="  QOM   mn-01 ").takes(MINE, entry)
    assert not Wanted(q="qom zn").takes(MINE, entry)
    assert not Wanted(state="IDLE").takes(MINE, entry)


def test_what_keyboards_write_differently_reads_alike() -> None:
    assert folded("خراسان شمالي") == folded("خراسان شمالی")
    assert folded("مهدی\u200cآباد نخلك PB-۰۱") == "مهدی آباد نخلک pb-01"  # noqa: RUF001 - Persian and Arabic
