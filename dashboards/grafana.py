"""The way to a Grafana: where it is, how to enter it, and the few calls that a deployment needs.

All calls of grafana-api stand here.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import requests
from grafana_api.grafana_api import GrafanaClientError, GrafanaException
from grafana_api.grafana_face import GrafanaFace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDER_UID: Final = "orewatch"
FOLDER_TITLE: Final = "orewatch"
_NOT_FOUND: Final = 404
_TIMEOUT_S: Final = 15.0


class DeployError(RuntimeError):
    """Grafana could not be reached or refused; ``permanent`` where trying again cannot help."""

    def __init__(self, what: str, error: Exception) -> None:
        status = getattr(error, "status_code", None)
        super().__init__(f"{what}: {_in_words(error)}")
        self.permanent = status is not None and status < 500 and status != 429  # noqa: PLR2004 - HTTP


def _in_words(error: Exception) -> str:
    """Return what went wrong in a few words; the libraries' own hold their whole chain of causes."""
    if isinstance(error, requests.Timeout):
        return f"no answer within {_TIMEOUT_S:g} s"
    if isinstance(error, (requests.JSONDecodeError, KeyError, TypeError, AttributeError)):
        return "answers, but not as a Grafana does; is the address right?"
    if isinstance(error, requests.ConnectionError):
        cause = str(error).rpartition(": ")[2].rstrip("\")'")
        return f"cannot be reached: {cause}"
    return str(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrafanaTarget:
    """A Grafana and how to enter it: ``token`` of a service account, or ``username`` and ``password``."""

    url: str
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username or parts.password:
            # Said without the address: it holds the secret.
            raise ValueError(
                "grafana.url: holds a name or a password; allowed: http://host:port, the rest in its settings"
            )
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"grafana.url: {self.url!r}; allowed: http://host:port or https://host:port")
        if not self.token and not (self.username and self.password):
            raise ValueError("grafana: no credentials; allowed: a token, or a username and a password")


class Kept(NamedTuple):
    """A board as Grafana has it. ``provisioned``: from Grafana's own files, which the API cannot change."""

    board: Mapping[str, Any]
    version: int
    provisioned: bool


class Grafana:
    """A Grafana at the end of one connection pool. Every call raises :class:`DeployError`."""

    def __init__(self, target: GrafanaTarget) -> None:
        self.url = target.url.rstrip("/")
        parts = urlsplit(target.url)
        prefix = parts.path.strip("/")
        self._face = GrafanaFace(
            auth=target.token or (target.username, target.password),
            host=parts.hostname,
            port=parts.port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            protocol=parts.scheme,
            timeout=_TIMEOUT_S,
        )
        # The environment's proxies are for the internet; and it must not swap our credentials for a netrc's.
        self._face.api.s.trust_env = False

    def close(self) -> None:
        """Close the connections."""
        self._face.api.s.close()

    def datasource(self, uid: str, name: str) -> dict[str, Any] | None:
        """Return the data source of that uid, or else of that name, without its secrets; None where there is none."""
        with self._talking():
            there: list[dict[str, Any]] = self._face.datasource.list_datasources()
            # By its uid first: people rename.
            ours = [*(d for d in there if d["uid"] == uid), *(d for d in there if d["name"] == name)]
            return ours[0] if ours else None

    def put_datasource(self, wanted: Mapping[str, Any], number: int | None) -> None:
        """Make the data source, or replace that of ``number``."""
        with self._talking():
            if number is None:
                self._face.datasource.create_datasource(wanted)
            else:
                self._face.datasource.update_datasource(number, wanted)

    def has_folder(self) -> bool:
        """Return whether our folder is there."""
        with self._talking():
            return _or_none(self._face.folder.get_folder, FOLDER_UID) is not None

    def make_folder(self) -> None:
        """Make our folder."""
        with self._talking():
            self._face.folder.create_folder(FOLDER_TITLE, uid=FOLDER_UID)

    def board(self, uid: str) -> Kept | None:
        """Return the board of that uid, None where there is none."""
        with self._talking():
            answer = _or_none(self._face.dashboard.get_dashboard, uid)
            if answer is None:
                return None
            board, meta = answer["dashboard"], answer.get("meta", {})
            return Kept(board, int(board.get("version") or 0), bool(meta.get("provisioned")))

    def save(self, board: Mapping[str, Any], *, message: str, overwrite: bool) -> str:
        """Save a board into our folder and return its address.

        Without ``overwrite`` Grafana refuses where the board's version is no longer the one that ``board`` names.
        """
        with self._talking():
            answer = self._face.dashboard.update_dashboard(
                {
                    "dashboard": {**board, "id": None},
                    "folderUid": FOLDER_UID,
                    "message": message,
                    "overwrite": overwrite,
                }
            )
            path = str(answer["url"])
        # Grafana's addresses hold its sub-path already; ours is the part before it.
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}{path}" if path.startswith(f"{parts.path}/") else self.url + path

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except (GrafanaException, requests.RequestException, KeyError, TypeError, AttributeError) as error:
            raise DeployError(f"Grafana at {self.url}", error) from error


def _or_none(ask: Any, name: str) -> Any:  # noqa: ANN401 - grafana-api is untyped
    try:
        return ask(name)
    except GrafanaClientError as error:
        if error.status_code != _NOT_FOUND:
            raise
        return None
