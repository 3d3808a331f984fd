"""How windows lie in the embedded store's file: one blob for all columns of a group in one window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from orewatch.storage.projection import RollupRows

FIELDS: Final = ("mean", "low", "high", "count", "last")


def _layout(columns: int, fields: Sequence[str]) -> np.dtype[np.void]:
    return np.dtype([(name, "<u4" if name == "count" else "<f8", (columns,)) for name in fields])


def packed(part: RollupRows) -> list[bytes]:
    """Return one blob for each window."""
    data = np.empty(len(part.time_ms), _layout(len(part.names), FIELDS))
    for name in FIELDS:
        data[name] = getattr(part, name)
    return [row.tobytes() for row in data]


def unpacked(rows: Sequence[bytes], columns: int) -> dict[str, NDArray[np.float64]]:
    """Return each field of the windows, float64[n, columns]; ``last`` is NaN in those of layout 1, which lack it."""
    lengths = np.array([len(row) for row in rows], np.int64)
    newest = _layout(columns, FIELDS)
    if (lengths == newest.itemsize).all():
        data = np.frombuffer(b"".join(rows), newest)
        return {name: data[name].astype(np.float64) for name in FIELDS}
    table = {name: np.full((len(rows), columns), np.nan) for name in FIELDS}
    for fields in (FIELDS, FIELDS[:-1]):
        layout = _layout(columns, fields)
        mine = np.flatnonzero(lengths == layout.itemsize)
        data = np.frombuffer(b"".join([rows[i] for i in mine.tolist()]), layout)
        for name in fields:
            table[name][mine] = data[name]
    return table
