"""Decimal digits by table: whole columns of integers to text without a Python loop.

Text has a fixed width here and NUL where a digit is not needed; one pass over the finished lines
takes the NULs out. A value is an integer of ``10 ** -decimals``: sign, up to eight digits before
the point, up to three after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_DECIMALS: Final = 3
WHOLE_LIMIT: Final = 10**8
FIRST_MS: Final = 10**12
LAST_MS: Final = 10**13

VALUE: Final = np.dtype([("sign", "u1"), ("high", "<u4"), ("low", "<u4"), ("fraction", "<u4")])
TIME: Final = np.dtype([("first", "u1"), ("high", "<u4"), ("middle", "<u4"), ("low", "<u4")])

_TEN_THOUSAND: Final = 10_000
_MINUS: Final = ord("-")
_ZERO: Final = ord("0")


def _table(texts: list[bytes]) -> NDArray[np.uint32]:
    return np.array([text.ljust(4, b"\0") for text in texts], dtype="S4").view("<u4").astype(np.uint32)


# The high four digits: nothing for 0. The low four: padded with zeros only behind high ones.
_HIGH: Final = _table([b"" if i == 0 else b"%d" % i for i in range(_TEN_THOUSAND)])
_LOW: Final = _table([b"%d" % i for i in range(_TEN_THOUSAND)] + [b"%04d" % i for i in range(_TEN_THOUSAND)])
# At 10 ** decimals + fraction stands the point and the fraction.
_FRACTION: Final = _table(
    [b""] * 10 + [b".%0*d" % (d, i - 10**d) for d in range(1, MAX_DECIMALS + 1) for i in range(10**d, 10 ** (d + 1))]
)


def value_text(steps: NDArray[np.int64], power: NDArray[np.uint32]) -> NDArray[np.void] | None:
    """Return :data:`VALUE` texts of ``steps / power``, both [n], ``power`` 10 to the power of the decimals.

    None where one has more digits than fit.
    """
    magnitude = np.abs(steps)
    # The most negative number has no positive twin, and shows as negative here.
    if not len(steps) or magnitude.max() >= 2**32 or magnitude.min() < 0:
        return None if len(steps) else np.empty(0, VALUE)
    small = magnitude.astype(np.uint32)
    whole = small // power
    if whole.max() >= WHOLE_LIMIT:
        return None
    small -= whole * power
    small += power
    high = whole // np.uint32(_TEN_THOUSAND)
    whole -= high * np.uint32(_TEN_THOUSAND)
    whole += (high > 0).astype(np.uint32) * np.uint32(_TEN_THOUSAND)
    text = np.empty(len(steps), VALUE)
    text["sign"] = (steps < 0).view(np.uint8) * np.uint8(_MINUS)
    text["high"] = _HIGH[high]
    text["low"] = _LOW[whole]
    text["fraction"] = _FRACTION[small]
    return text


def time_text(time_ms: NDArray[np.int64]) -> NDArray[np.void] | None:
    """Return :data:`TIME` texts of ``time_ms`` [n]; None where one does not have 13 digits (2001 to 2286)."""
    if not len(time_ms):
        return np.empty(0, TIME)
    if time_ms.min() < FIRST_MS or time_ms.max() >= LAST_MS:
        return None
    upper, lower = np.divmod(time_ms, WHOLE_LIMIT)
    upper, lower = upper.astype(np.uint32), lower.astype(np.uint32)
    ten = np.uint32(_TEN_THOUSAND)
    text = np.empty(len(time_ms), TIME)
    text["first"] = upper // ten + _ZERO
    text["high"] = _LOW[upper % ten + ten]
    text["middle"] = _LOW[lower // ten + ten]
    text["low"] = _LOW[lower % ten + ten]
    return text
