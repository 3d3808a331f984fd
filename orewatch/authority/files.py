"""Files that hold secrets: whole or not there, never readable by others, never overwritten by chance."""

from __future__ import annotations

import os
import secrets
from pathlib import Path  # noqa: TC003 - at run time too, in messages
from typing import Final

PRIVATE: Final = 0o600
PUBLIC: Final = 0o644
# What is handed out belongs to the group of those it is for.
FOR_GROUP: Final = 0o640


class CertificateError(ValueError):
    """Something cannot be made as asked; the message says what, and what is allowed. Nothing was changed."""


def make_folder(folder: Path, *, mode: int = 0o700) -> None:
    """Make a folder and those above it; one that is there keeps its mode."""
    if not folder.is_dir():
        make_folder(folder.parent, mode=mode)
        folder.mkdir(mode=mode, exist_ok=True)


def put_new(file: Path, content: bytes, *, mode: int) -> None:
    """Write a file that must not be there yet; :class:`FileExistsError` where it is."""
    _put(file, content, mode, over=False)


def put_over(file: Path, content: bytes, *, mode: int) -> None:
    """Write a file, in the place of an older one too."""
    _put(file, content, mode, over=True)


def _put(file: Path, content: bytes, mode: int, *, over: bool) -> None:
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fchmod(out.fileno(), mode)
            os.fsync(out.fileno())
        if over:
            part.replace(file)
        else:
            os.link(part, file)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
