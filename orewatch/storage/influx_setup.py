"""Makes the three levels on a server of any version, as often as one likes, and says of each thing what was done.

What people have lengthened is never shortened without ``force``: that would delete what they meant to keep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from orewatch.storage.influx_changes import Change, SetupError
from orewatch.storage.influx_check import Finding, check_influx
from orewatch.storage.influx_setup_v1 import ensure_policies
from orewatch.storage.influx_setup_v2 import ensure_buckets
from orewatch.storage.influx_setup_v3 import ensure_databases

if TYPE_CHECKING:
    from collections.abc import Callable

    from orewatch.storage.influx import InfluxServer
    from orewatch.storage.levels import Retention

_BY_MAJOR: Final[dict[int, Callable[..., list[Change]]]] = {
    1: ensure_policies,
    2: ensure_buckets,
    3: ensure_databases,
}


def ensure(
    server: InfluxServer, retention: Retention, *, now_ms: int, force: bool = False, only_missing: bool = False
) -> list[Change]:
    """Make database, levels and mappings what ``retention`` says; one :class:`Change` for each thing looked at.

    ``force``: shorten too what is longer. ``only_missing``: leave alone whatever is there already.
    :class:`SetupError` where the server is away, is none we know, or does not let us.
    """
    try:
        version = server.version()
        if version is None or version[0] not in _BY_MAJOR:
            said = "no version" if version is None else f"version {version[0]}.{version[1]}"
            raise SetupError(
                f"InfluxDB at {server.target.url} says {said}; allowed: 1.x, 2.x or 3 (others need no levels)"
            )
        return _BY_MAJOR[version[0]](server, retention, now_ms=now_ms, force=force, only_missing=only_missing)
    except httpx.HTTPError as error:
        raise SetupError(f"InfluxDB at {server.target.url}: {type(error).__name__}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SetupError(f"InfluxDB at {server.target.url} answers as none does: {error!r}") from error


__all__ = ["Change", "Finding", "SetupError", "check_influx", "ensure"]
