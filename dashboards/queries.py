"""InfluxQL of the boards, in the part of the language that every version of InfluxDB answers alike.

``raw`` is the default retention policy and needs no name; years stand in ``hours``. Grafana puts
``$timeFilter``, ``$__interval`` and the variables in place.
"""

from __future__ import annotations

from typing import Final

from orewatch.plant.catalogue import catalogue

TIME: Final = "$timeFilter"
_WITH_THE_HOUR_BEFORE: Final = "time >= ${__from}ms - 1h AND time <= ${__to}ms"
INTERVAL: Final = "$__interval"
VARIABLES: Final = ("province", "site", "mineral", "unit")
SCOPE: Final = " AND ".join(f'"{name}" =~ /^${name}$/' for name in VARIABLES)
UNIT: Final = '"unit"'
MACHINE: Final = '"unit", "machine"'
# A Tehran day: +03:30 the whole year since 2022. tz() would need the zone's table on the server.
DAY: Final = "1d, 20h30m"

STATE: Final = '"unit_state"'
STATE_HOURS: Final = '"hours"."unit_state_1h"'
ALERT: Final = '"hours"."alert"'
UNIT_INFO: Final = '"hours"."unit_info"'
HEALTH: Final = '"health"'
QUALITY: Final = '"signal_quality"'


def classes_with(signal: str) -> tuple[str, ...]:
    """Return the machine classes that have a signal of this name."""
    return tuple(cls.name for cls in catalogue().classes.values() if signal in cls.signals)


def raw(*classes: str) -> str:
    """Return the measurements of machine classes, scan by scan. Named one by one: a pattern would find our own."""
    return ", ".join(f'"{cls}"' for cls in classes)


def hours(*classes: str) -> str:
    """Return the measurements of the hours of machine classes."""
    return ", ".join(f'"hours"."{cls}_1h"' for cls in classes)


def where(*conditions: str, scope: bool = True, time: bool = True) -> str:
    """Return a WHERE clause: the time shown, the units chosen, and more."""
    parts = [*([TIME] if time else []), *([SCOPE] if scope else []), *conditions]
    return "WHERE " + " AND ".join(parts)


def series(what: str, source: str, *conditions: str, by: str = UNIT, every: str = INTERVAL, fill: str = "null") -> str:
    """Return a query for lines over the time shown, one per ``by`` (empty: one in all)."""
    groups = f"time({every})" + (f", {by}" if by else "")
    return f"SELECT {what} FROM {source} {where(*conditions)} GROUP BY {groups} fill({fill})"


def figures(what: str, source: str, *conditions: str, by: str = UNIT, time: bool = True) -> str:
    """Return a query for one row per ``by`` (empty: one in all) over the time shown."""
    return f"SELECT {what} FROM {source} {where(*conditions, time=time)}" + (f" GROUP BY {by}" if by else "")


def over(what: str, inner: str, *, by: str = "", every: str = "", condition: str = "") -> str:
    """Return a query over the answer of another one."""
    groups = ", ".join(part for part in (f"time({every})" if every else "", by) if part)
    tail = f" GROUP BY {groups}" if groups else ""
    more = (condition,) if condition else ()
    return f"SELECT {what} FROM ({inner}) {where(*more, scope=False)}{tail}"


def gained(field: str, source: str, *, name: str = "sum", by: str = "", every: str = "") -> str:
    """Return a query for what totalisers gained over the time shown, as ``name``.

    Differences from hour to hour first, sums later: a counter that wrapped or was reset must not swallow the day.
    """
    hourly = series(
        f'non_negative_difference(last("{field}")) AS "gained"', source, by=MACHINE, every="1h", fill="none"
    )
    asked = over(f'sum("gained") AS "{name}"', hourly, by=by, every=every) + (" fill(none)" if every else "")
    # The first hour shown is held against the one before it. In both: the inner time is cut to the outer one.
    return asked.replace(TIME, _WITH_THE_HOUR_BEFORE)


def rows(fields: str, source: str, *conditions: str, limit: int = 200, time: bool = True) -> str:
    """Return a query for single points, newest first."""
    return f"SELECT {fields} FROM {source} {where(*conditions, time=time)} ORDER BY time DESC LIMIT {limit}"
