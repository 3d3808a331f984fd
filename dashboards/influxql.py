"""InfluxQL targets of panels: the portable part of the language, as Grafana's raw queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.cog import builder, runtime, variants
from grafana_foundation_sdk.models.common import DataSourceRef

DATASOURCE_TYPE: Final = "influxdb"
DATASOURCE_UID: Final = "orewatch-influxdb"
DATASOURCE: Final = DataSourceRef(type_val=DATASOURCE_TYPE, uid=DATASOURCE_UID)

# What Grafana puts in place before it sends a query.
TIME: Final = "$timeFilter"
INTERVAL: Final = "$__interval"


@dataclass(frozen=True, slots=True)
class InfluxQl(variants.Dataquery):  # type: ignore[misc]
    """One raw InfluxQL query of a panel; ``alias`` names its series, ``table`` asks for rows instead of series."""

    ref_id: str
    query: str
    alias: str = ""
    table: bool = False

    def to_json(self) -> dict[str, object]:
        """Return the query as Grafana's InfluxDB data source stores it."""
        return {
            "refId": self.ref_id,
            "datasource": DATASOURCE.to_json(),
            "query": self.query,
            "rawQuery": True,
            "alias": self.alias,
            "resultFormat": "table" if self.table else "time_series",
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> InfluxQl:
        """Read what :meth:`to_json` made."""
        return cls(data["refId"], data["query"], data.get("alias", ""), data.get("resultFormat") == "table")


@dataclass(frozen=True, slots=True)
class Target(builder.Builder[InfluxQl]):  # type: ignore[misc]
    """Hands a finished query to a panel builder."""

    query: InfluxQl

    def build(self) -> InfluxQl:
        """Return the query."""
        return self.query


def register() -> None:
    """Teach the builder kit to read these queries back."""
    runtime.register_dataquery_variant(
        runtime.DataqueryConfig(identifier=DATASOURCE_TYPE, from_json_hook=InfluxQl.from_json)
    )


def targets(*queries: tuple[str, str], table: bool = False) -> list[Target]:
    """Return targets A, B, C ... of (query, alias) pairs."""
    return [Target(InfluxQl(_letters(i), query, alias, table)) for i, (query, alias) in enumerate(queries)]


def _letters(number: int) -> str:
    first, second = divmod(number, 26)
    return (chr(ord("A") + first - 1) if first else "") + chr(ord("A") + second)
