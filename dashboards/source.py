"""The InfluxDB as Grafana's data source: for the API with its secrets, for provisioning with the names of files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from dashboards.influxql import DATASOURCE_TYPE, DATASOURCE_UID

DATASOURCE_NAME: Final = "orewatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxSource:
    """The InfluxDB as Grafana reaches it; ``token`` for 1.8 and later, or ``username`` and ``password``."""

    url: str
    database: str = "orewatch"
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def as_datasource(self) -> dict[str, Any]:
        """Return the data source in Grafana's words; secrets only where Grafana encrypts them."""
        secret: dict[str, str] = {}
        data: dict[str, Any] = {"dbName": self.database, "httpMode": "POST", "version": "InfluxQL"}
        if self.token:
            data["httpHeaderName1"] = "Authorization"
            secret["httpHeaderValue1"] = f"Token {self.token}"
        if self.password:
            secret["password"] = self.password
        return {
            "uid": DATASOURCE_UID,
            "name": DATASOURCE_NAME,
            "type": DATASOURCE_TYPE,
            "access": "proxy",
            "url": self.url,
            "user": self.username or "",
            # The boards name it; the default of a Grafana that others use, too, is theirs.
            "isDefault": False,
            "jsonData": data,
            "secureJsonData": secret,
        }
