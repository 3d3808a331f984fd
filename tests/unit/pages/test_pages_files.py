"""What the pages' files may and may not hold: nothing inline, nothing from elsewhere, every module announced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.static_files import without_comments

STATIC = Path(__file__).parents[3] / "api" / "pages" / "static"
PAGES = {"fleet.html": "fleet.js", "unit.html": "unit.js", "inputs.html": "inputs.js", "wall.html": "wall.js"}
PAGES |= {"alerts.html": "alerts_page.js", "alert.html": "alert_page.js"}
PICTURES = {".png"}
LEARNS = re.compile(r"\blearn\(([^)]*)\)")
LATER = re.compile(r'\bimport\("(\./[^"]+)"\)')
IMPORT = re.compile(r'^(?:import|export)\s[^;]*?from\s+"(\.{1,2}/[^"]+)"', re.MULTILINE | re.DOTALL)


def modules_of(entry: str) -> set[str]:
    """Names of all modules that ``entry`` needs, itself left out."""
    found: set[str] = set()
    ahead = [entry]
    while ahead:
        name = ahead.pop()
        for target in IMPORT.findall((STATIC / name).read_text(encoding="utf-8")):
            path = (STATIC / name).parent.joinpath(target).resolve().relative_to(STATIC).as_posix()
            if path not in found:
                found.add(path)
                ahead.append(path)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_module_is_announced_so_that_none_waits_for_another(page: str) -> None:
    html = (STATIC / page).read_text(encoding="utf-8")
    announced = set(re.findall(r'rel="modulepreload" href="/static/([^"]+)"', html))
    assert announced == modules_of(PAGES[page])


def all_of(entry: str) -> set[str]:
    """Names of all modules that a page may come to need: also what is imported later."""
    found: set[str] = set()
    ahead = {entry}
    while ahead:
        name = ahead.pop()
        found.add(name)
        later = LATER.findall((STATIC / name).read_text(encoding="utf-8"))
        ahead |= ({one.removeprefix("./") for one in later} | modules_of(name)) - found
    return found


def keys_of(name: str) -> set[str]:
    return set(re.findall(r'^  "([^"]+)":', (STATIC / "strings" / name).read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES)
def test_every_text_that_a_page_names_is_among_the_strings_it_loads(page: str) -> None:
    html = (STATIC / page).read_text(encoding="utf-8")
    named = re.findall(r'data-strings="([^"]*)"', html)[0].split()
    wanted = set(re.findall(r'data-t(?:-label|-placeholder)?="([^"]+)"', html))
    for module in all_of(PAGES[page]):
        text = (STATIC / module).read_text(encoding="utf-8")
        named += [name for told in LEARNS.findall(text) for name in re.findall(r'"([a-z]+)"', told)]
        wanted |= set(re.findall(r'\bt\(\s*"([^"]+)"', text))
    known = keys_of("en.js").union(*(keys_of(f"{name}.en.js") for name in named if name))
    assert wanted - known == set()


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_inline(page: str) -> None:
    html = (STATIC / page).read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)
    assert all(body == "" for body in re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL))


@pytest.mark.parametrize(
    "path", sorted(p for p in STATIC.rglob("*.*") if p.suffix not in PICTURES), ids=lambda p: p.name
)
def test_nothing_comes_from_elsewhere_and_no_markup_is_parsed(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(
        r"https?://|@import|url\(\s*[\"']?(?!#)", text.replace('url("#hatch")', "").replace("url(#hatch)", "")
    )
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    assert len(text.splitlines()) < 300 or path.parent.name == "strings"


def test_comments_do_not_cross_the_wire_and_lines_keep_their_numbers() -> None:
    code = (
        b'// first\nconst a = 1; // stays\n/** told\n * at length */\nconst b = "//";\n/** @type {X} */ const c = 2;\n'
    )
    sent = without_comments(".js", code)
    assert sent == b'\nconst a = 1; // stays\n\n\nconst b = "//";\n/** @type {X} */ const c = 2;\n'
    assert without_comments(".css", b"/* a\n b */\np { color: red; }") == b"\n\np { color: red; }"
    for path in STATIC.rglob("*.js"):
        data = path.read_bytes()
        assert without_comments(".js", data).count(b"\n") == data.count(b"\n"), path.name
