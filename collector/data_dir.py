"""The data directory belongs to one collector at a time: two would number, project and prune past each other."""

from __future__ import annotations

import fcntl
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME: Final = "collector.lock"


class DataDirInUseError(RuntimeError):
    """Another collector holds the data directory; the message names it and what is allowed."""


def hold(data_dir: Path) -> IO[bytes]:
    """Return the open lock; closing it, or the end of the process, lets go. :class:`DataDirInUseError`."""
    lock = (data_dir / LOCK_NAME).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise DataDirInUseError(
            f"data_dir = {str(data_dir)!r}: in use by another collector; stop it, or allowed: a directory of its own"
        ) from error
    return lock
