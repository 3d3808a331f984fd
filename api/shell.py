"""The service worker's text: what the pages' shell consists of, and how it is kept for when the link is down."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# A picture on somebody's home screen and the worker itself are no part of a page.
_NOT_KEPT = re.compile(r"(sw\.js|\.webmanifest|\.png)$")
_VARIABLE = re.compile(r"\{\w+\}")


def service_worker(code: bytes, *, tags: Mapping[str, str], pages: Mapping[str, str]) -> bytes:
    """Return ``code`` with the list of what it keeps put before it.

    ``tags``: each file's name and digest; ``pages``: each page's path, with ``{variables}``, and its file. The version
    changes with any of them and with the code, so a browser that asks again finds another worker, and takes it.
    """
    kept = sorted(name for name in tags if not _NOT_KEPT.search(name))
    shown = [[_pattern(path), f"/static/{name}"] for path, name in pages.items() if name in tags]
    digest = hashlib.blake2b(code, digest_size=9)
    digest.update(json.dumps([[name, tags[name]] for name in kept] + shown).encode())
    shell = {"version": digest.hexdigest(), "files": [f"/static/{name}" for name in kept], "pages": shown}
    return b"self.SHELL = " + json.dumps(shell).encode() + b";\n" + code


def _pattern(path: str) -> str:
    """Return a path as a regular expression that Python and JavaScript read alike."""
    return "^" + _VARIABLE.sub("[^/]+", path) + "$"
