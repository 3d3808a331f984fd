from __future__ import annotations

import json
import re
from typing import Any

from api.shell import service_worker
from api.static_files import PAGES, read_files

TAGS = {
    "fleet.html": '"a"',
    "unit.html": '"b"',
    "fleet.js": '"c"',
    "sw.js": '"d"',
    "icon-192.png": '"e"',
    "en.webmanifest": '"f"',
}
ROUTES = {"/": "fleet.html", "/units/{unit_id}": "unit.html"}
CODE = b"// code\n"


def shell(text: bytes) -> dict[str, Any]:
    return dict(json.loads(text.split(b"\n")[0].removeprefix(b"self.SHELL = ").removesuffix(b";")))


def test_it_names_what_it_keeps_and_which_page_stands_where() -> None:
    text = service_worker(CODE, tags=TAGS, pages=ROUTES)
    told = shell(text)
    assert told["files"] == ["/static/fleet.html", "/static/fleet.js", "/static/unit.html"]
    assert text.endswith(CODE)
    patterns = {file: re.compile(pattern) for pattern, file in told["pages"]}
    assert patterns["/static/fleet.html"].search("/")
    assert not patterns["/static/fleet.html"].search("/units/mn-01")
    assert patterns["/static/unit.html"].search("/units/mn-01")
    assert not patterns["/static/unit.html"].search("/units/mn-01/inputs")


def test_the_version_changes_with_every_file_and_with_the_code_and_with_nothing_else() -> None:
    version = shell(service_worker(CODE, tags=TAGS, pages=ROUTES))["version"]
    reordered = dict(reversed(TAGS.items()))
    assert shell(service_worker(CODE, tags=reordered, pages=ROUTES))["version"] == version
    assert shell(service_worker(CODE, tags={**TAGS, "sw.js": "x"}, pages=ROUTES))["version"] == version
    others = [
        service_worker(CODE, tags={**TAGS, "fleet.js": '"z"'}, pages=ROUTES),
        service_worker(b"// other\n", tags=TAGS, pages=ROUTES),
        service_worker(CODE, tags=TAGS, pages={"/": "fleet.html"}),
    ]
    assert len({version, *(shell(other)["version"] for other in others)}) == 4


def test_every_page_and_every_file_it_needs_is_kept() -> None:
    files = read_files()
    told = shell(files["sw.js"].plain)
    assert {f"/static/{name}" for name in PAGES.values()} <= set(told["files"])
    for name in PAGES.values():
        needed = re.findall(r'(?:href|src)="(/static/[^"]+)"', files[name].plain.decode())
        assert set(needed) <= set(told["files"])
