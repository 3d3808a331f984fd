"""InfluxQL targets of panels: the portable part of the language, as Grafana's raw queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.cog import builder, runtime, variants
from grafana_foundation_sdk.models.common import DataSourceRef

if TYPE_CHECKING:
    from collections.abc import Sequence

DATASOURCE_TYPE: Final = "influxdb"
DATASOURCE_UID: Final = "orewatch-influxdb"
DATASOURCE: Final = DataSourceRef(type_val=DATASOURCE_TYPE, uid=DATASOURCE_UID)

EXPRESSION: Final = DataSourceRef(type_val="__expr__", uid="__expr__")


@dataclass(frozen=True, slots=True)
class InfluxQl(variants.Dataquery):  # type: ignore[misc]
    """One raw InfluxQL query of a panel; ``alias`` names its series, ``table`` asks for rows instead of series."""

    ref_id: str
    query: str
    alias: str = ""
    table: bool = False
    hidden: bool = False

    def to_json(self) -> dict[str, object]:
        """Return the query as Grafana's InfluxDB data source stores it."""
        return {
            "refId": self.ref_id,
            "datasource": DATASOURCE.to_json(),
            "query": self.query,
            "rawQuery": True,
            "alias": self.alias,
            "resultFormat": "table" if self.table else "time_series",
            "hide": self.hidden,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> InfluxQl:
        """Read what :meth:`to_json` made."""
        return cls(
            data["refId"],
            data["query"],
            data.get("alias", ""),
            data.get("resultFormat") == "table",
            data.get("hide", False),
        )


@dataclass(frozen=True, slots=True)
class Math(variants.Dataquery):  # type: ignore[misc]
    """Arithmetic on the answers of other queries of the panel (``$A / $B``), done by Grafana series by series."""

    ref_id: str
    expression: str

    def to_json(self) -> dict[str, object]:
        """Return the expression as Grafana stores it."""
        datasource = EXPRESSION.to_json()
        return {"refId": self.ref_id, "datasource": datasource, "type": "math", "expression": self.expression}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Math:
        """Read what :meth:`to_json` made."""
        return cls(data["refId"], data["expression"])


@dataclass(frozen=True, slots=True)
class Target(builder.Builder[InfluxQl | Math]):  # type: ignore[misc]
    """Hands a finished query to a panel builder."""

    query: InfluxQl | Math

    def build(self) -> InfluxQl | Math:
        """Return the query."""
        return self.query


def register() -> None:
    """Teach the builder kit to read these queries back."""
    # The kit goes by the panel's data source, and an expression stands beside queries of InfluxDB.
    runtime.register_dataquery_variant(
        runtime.DataqueryConfig(identifier=DATASOURCE_TYPE, from_json_hook=_query_from_json)
    )


def _query_from_json(data: dict[str, Any]) -> InfluxQl | Math:
    return Math.from_json(data) if "expression" in data else InfluxQl.from_json(data)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question of a panel: a query with the name its series get, or ``math`` on the questions before it."""

    query: str
    alias: str = ""
    hidden: bool = False
    math: bool = False


def targets(asks: Sequence[Ask], *, table: bool = False) -> list[Target]:
    """Return targets A, B, C ... of questions."""
    return [
        Target(
            Math(_letters(i), ask.query) if ask.math else InfluxQl(_letters(i), ask.query, ask.alias, table, ask.hidden)
        )
        for i, ask in enumerate(asks)
    ]


def _letters(number: int) -> str:
    first, second = divmod(number, 26)
    return (chr(ord("A") + first - 1) if first else "") + chr(ord("A") + second)
