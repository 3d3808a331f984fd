"""Brings the dashboards into a Grafana: its data source, a folder, and each dashboard, all by fixed uids.

Doing it again changes nothing; a dashboard edited by hand is replaced.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from grafana_api.grafana_api import GrafanaClientError, GrafanaException
from grafana_api.grafana_face import GrafanaFace

from dashboards.build import as_json, dashboards
from dashboards.influxql import DATASOURCE_TYPE, DATASOURCE_UID

_LOG: Final = logging.getLogger(__name__)

FOLDER_UID: Final = "orewatch"
_NOT_FOUND: Final = 404
_TIMEOUT_S: Final = 15.0


class DeployError(RuntimeError):
    """Grafana could not be reached or refused; ``permanent`` where trying again cannot help."""

    def __init__(self, what: str, error: Exception) -> None:
        status = getattr(error, "status_code", None)
        super().__init__(f"{what}: {error}")
        self.permanent = status is not None and status < 500 and status != 429  # noqa: PLR2004 - HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class GrafanaTarget:
    """A Grafana and how to enter it: ``token`` of a service account, or ``username`` and ``password``."""

    url: str
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"grafana.url: {self.url!r}; allowed: http://host:port or https://host:port")
        if not self.token and not (self.username and self.password):
            raise ValueError("grafana: no credentials; allowed: a token, or a username and a password")


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
        data: dict[str, Any] = {"dbName": self.database, "httpMethod": "POST", "version": "InfluxQL"}
        if self.token:
            data["httpHeaderName1"] = "Authorization"
            secret["httpHeaderValue1"] = f"Token {self.token}"
        if self.password:
            secret["password"] = self.password
        return {
            "uid": DATASOURCE_UID,
            "name": "orewatch",
            "type": DATASOURCE_TYPE,
            "access": "proxy",
            "url": self.url,
            "user": self.username or "",
            "isDefault": True,
            "jsonData": data,
            "secureJsonData": secret,
        }


def deploy(*, target: GrafanaTarget, source: InfluxSource) -> list[str]:
    """Create or replace data source, folder and dashboards; return the dashboards' addresses.

    :class:`DeployError` where Grafana is away or refuses.
    """
    grafana = _connection(target)
    try:
        _put_datasource(grafana, source)
        _put_folder(grafana)
        return [target.url.rstrip("/") + _put_dashboard(grafana, as_json(built)) for built in dashboards().values()]
    except (GrafanaException, requests.RequestException) as error:
        raise DeployError(f"Grafana at {target.url}", error) from error


def _connection(target: GrafanaTarget) -> GrafanaFace:
    parts = urlsplit(target.url)
    prefix = parts.path.strip("/")
    grafana = GrafanaFace(
        auth=target.token or (target.username, target.password),
        host=parts.hostname,
        port=parts.port,
        url_path_prefix=f"{prefix}/" if prefix else "",
        protocol=parts.scheme,
        timeout=_TIMEOUT_S,
    )
    # The environment's proxies are for the internet; and it must not swap our credentials for a netrc's.
    grafana.api.s.trust_env = False
    return grafana


def _put_datasource(grafana: GrafanaFace, source: InfluxSource) -> None:
    wanted = source.as_datasource()
    try:
        found = grafana.datasource.find_datasource(wanted["name"])
    except GrafanaClientError as error:
        if error.status_code != _NOT_FOUND:
            raise
        grafana.datasource.create_datasource(wanted)
        _LOG.info("data source %s created", wanted["name"])
        return
    grafana.datasource.update_datasource(found["id"], wanted)


def _put_folder(grafana: GrafanaFace) -> None:
    try:
        grafana.folder.get_folder(FOLDER_UID)
    except GrafanaClientError as error:
        if error.status_code != _NOT_FOUND:
            raise
        grafana.folder.create_folder("orewatch", uid=FOLDER_UID)


def _put_dashboard(grafana: GrafanaFace, text: str) -> str:
    answer = grafana.dashboard.update_dashboard(
        {"dashboard": json.loads(text) | {"id": None}, "folderUid": FOLDER_UID, "overwrite": True}
    )
    return str(answer["url"])
