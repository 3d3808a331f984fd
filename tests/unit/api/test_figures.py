"""Numbers as people write them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.inputs.figures import read_figure

PERSIAN = str.maketrans("0123456789.", "۰۱۲۳۴۵۶۷۸۹٫")  # noqa: RUF001 - Persian
ARABIC = str.maketrans("0123456789.", "٠١٢٣٤٥٦٧٨٩٫")  # noqa: RUF001 - Arabic


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (12, 12.0),
        (12.5, 12.5),
        ("12.5", 12.5),
        (" 12.50 ", 12.5),
        ("۱۲٫۵", 12.5),  # noqa: RUF001
        ("١٢٫٥", 12.5),  # noqa: RUF001
        ("۱۲.۵", 12.5),  # noqa: RUF001
        ("1,250", 1250.0),
        ("۱٬۲۵۰٫۷۵", 1250.75),  # noqa: RUF001
        ("12,345,678.5", 12_345_678.5),
        ("\u200f۱۲", 12.0),  # noqa: RUF001
        ("-3", -3.0),
        ("−3", -3.0),  # noqa: RUF001
        ("1 250", 1250.0),
    ],
)
def test_what_can_be_read(written: object, value: float) -> None:
    assert read_figure(written) == value


@pytest.mark.parametrize(
    "written",
    [
        "",
        "abc",
        "1,5",
        "0,250",
        "1.250.000",
        "1,25,0",
        "1,250,00",
        "12..5",
        "1e3",
        "nan",
        "inf",
        "\u066b",
        "3/5",
        "12 5",
    ],
)
def test_what_can_be_read_in_two_ways_or_in_none(written: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        read_figure(written)


@pytest.mark.parametrize("given", [None, True, [], {}, float("nan"), float("inf"), 10**400, "9" * 400])
def test_what_is_no_number(given: object) -> None:
    with pytest.raises(ValueError, match="allowed"):
        read_figure(given)


@given(st.decimals(0, 999_999, places=2, allow_nan=False))
def test_digits_of_three_scripts_read_alike(number: object) -> None:
    text = str(number)
    assert read_figure(text) == read_figure(text.translate(PERSIAN)) == read_figure(text.translate(ARABIC))


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_as_a_value(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(read_figure(text), float)
