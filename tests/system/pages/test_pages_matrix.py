"""Every page in both languages, three sizes and light and dark: nothing sticks out, and a picture of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.pages.alerts_fake import raise_alert
from tests.system.pages.conftest import picture
from tests.system.pages.everywhere import LANGUAGES, PAGES, filled, name_of

if TYPE_CHECKING:
    from tests.system.pages.conftest import Visit
    from tests.system.pages.server import FakeService

SIZES = {"phone": (360, 740), "desktop": (1440, 900), "wall": (3840, 2160)}
NARROWEST = ((360, 740), (390, 844))
THEMES = ("light", "dark")
# What lies beside the page, though nobody can scroll to it, or makes the page itself scroll sideways.
STICKS_OUT = """() => {
  const wide = document.documentElement.clientWidth;
  const scrolls = (n) => n && n !== document.body
    && (["auto", "scroll"].includes(getComputedStyle(n).overflowX) || scrolls(n.parentElement));
  const out = [...document.querySelectorAll("main *, header *")].map((n) => [n, n.getBoundingClientRect()])
    .filter(([n, r]) => r.width && (r.right > wide + 0.5 || r.left < -0.5))
    .filter(([n]) => n.checkVisibility() && !n.closest(".unseen, svg *") && !scrolls(n))
    .map(([n, r]) => `${n.tagName}.${n.getAttribute("class")} ${Math.round(r.left)}..${Math.round(r.right)}`);
  if (document.documentElement.scrollWidth > wide) out.unshift(`the page: ${document.documentElement.scrollWidth}`);
  return out.slice(0, 8);
}"""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_every_size_fits(visit: Visit, fake: FakeService, path: str, language: str) -> None:
    raise_alert(fake, "bx-01", "comms_loss", "high")
    page = visit(path, language=language)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.reload()
        filled(page, path)
        assert page.evaluate(STICKS_OUT) == [], size
        for theme in THEMES:
            page.evaluate(
                "(theme) => { document.documentElement.dataset.themeChoice = theme;"
                " document.documentElement.dispatchEvent(new Event('themechoice')); }",
                theme,
            )
            picture(page, f"{name_of(path)}-{size}-{language}-{theme}", full_page=size == "phone")


@pytest.mark.parametrize("size", NARROWEST, ids=lambda size: str(size[0]))
@pytest.mark.parametrize("path", PAGES)
def test_a_phone_fits_from_the_start(visit: Visit, path: str, size: tuple[int, int]) -> None:
    for language in LANGUAGES:
        page = filled(visit(path, size=size, language=language, is_mobile=True, has_touch=True), path)
        assert page.evaluate(STICKS_OUT) == [], language
        assert page.evaluate("innerWidth") == size[0], language  # a phone zooms out over what sticks out
