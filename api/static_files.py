"""The pages and their files: read once, compressed once, revalidated by their digest."""

from __future__ import annotations

import base64
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.problems import not_found
from api.shell import service_worker

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from importlib.resources.abc import Traversable

# Modules are UTF-8 whatever is said, and styles go by their document.
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
}
_LEAST_GZIP = 500
# Comments that stand alone on their lines; what follows code on a line stays.
_COMMENTS = re.compile(rb"(?m)^[ \t]*(?://[^\n]*|/\*\*(?:(?!\*/).)*\*/[ \t]*)$", re.DOTALL | re.MULTILINE)
_STYLE_COMMENTS = re.compile(rb"/\*.*?\*/", re.DOTALL)
# Where each page stands. What a page is about it reads from its own address.
PAGES = {
    "/": "fleet.html",
    "/alerts": "alerts.html",
    "/alerts/{alert_id}": "alert.html",
    "/units/{unit_id}": "unit.html",
    "/units/{unit_id}/inputs": "inputs.html",
    "/wall": "wall.html",
    "/favicon.ico": "icon.svg",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, ready to send."""

    media_type: str
    plain: bytes
    packed: bytes | None
    tag: str

    @classmethod
    def of(cls, name: str, data: bytes) -> StaticFile:
        """Return a file as it is sent."""
        suffix = name[name.rfind(".") :]
        data = without_comments(suffix, data)
        media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        if media_type.startswith("text/") and suffix not in _TYPES:
            media_type += "; charset=utf-8"
        packed = gzip.compress(data, 9, mtime=0) if len(data) >= _LEAST_GZIP else None
        tag = base64.urlsafe_b64encode(hashlib.blake2b(data, digest_size=6).digest()).decode()
        return cls(media_type, data, packed if packed and len(packed) < len(data) else None, f'"{tag}"')

    def response(self, request: Request) -> Response:
        """Answer a request for it: 304 where the caller has it."""
        headers = {"ETag": self.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if self.tag in known:
            return Response(status_code=304, headers=headers)
        told = {"Content-Type": self.media_type}
        if self.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.packed, headers={**headers, **told, "Content-Encoding": "gzip"})
        return Response(self.plain, headers={**headers, **told})


def without_comments(suffix: str, data: bytes) -> bytes:
    """Return a module or style with its comments' lines left empty: a thin link need not carry them.

    Lines keep their numbers, so what a browser complains about is found in the file.
    """
    if suffix == ".js":
        return _COMMENTS.sub(lambda found: b"\n" * found[0].count(b"\n"), data)
    return _STYLE_COMMENTS.sub(lambda found: b"\n" * found[0].count(b"\n"), data) if suffix == ".css" else data


def read_files() -> dict[str, StaticFile]:
    """Return every file of the pages by its name, and the service worker that names them all."""
    files = dict(_read(resources.files("api.pages").joinpath("static"), ""))
    pages = {path: name for path, name in PAGES.items() if name.endswith(".html")}
    tags = {name: file.tag for name, file in files.items()}
    worker = service_worker(files["sw.js"].plain, tags=tags, pages=pages)
    return files | {"sw.js": StaticFile.of("sw.js", worker)}


def pages() -> APIRouter:
    """Return the routes of the pages and their files."""
    files = read_files()
    router = APIRouter(include_in_schema=False)
    for path, name in PAGES.items():
        router.add_api_route(path, _sender(files, name))
    # Served from the root, for a worker reaches no further up than where it lies.
    router.add_api_route("/sw.js", _sender(files, "sw.js"))

    @router.get("/static/{name:path}")
    async def static(name: str, request: Request) -> Response:
        return _send(files, name, request)

    return router


def _sender(files: Mapping[str, StaticFile], name: str) -> Callable[[Request], Coroutine[None, None, Response]]:
    async def send(request: Request) -> Response:
        return _send(files, name, request)

    return send


def _send(files: Mapping[str, StaticFile], name: str, request: Request) -> Response:
    found = files.get(name)
    if found is None:
        raise not_found(f"there is no file {name[:80]!r}")
    return found.response(request)


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, StaticFile]]:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            yield from _read(entry, f"{name}/")
        else:
            yield name, StaticFile.of(name, entry.read_bytes())
