"""A server in the place of an InfluxDB 2.x or a 3 Core, for set-up: it follows their documented interface strictly.

Unknown paths, parameters and keys are errors, as are wrong types, a missing token, and what a token may not do.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = "an-all-access-token"
ORG_ID = "0123456789abcdef"


class RefusedError(Exception):
    """What the server answers instead."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message}


@dataclass
class Api:
    """``buckets`` and ``mappings`` as a 2.x describes them; ``databases`` of a 3 Core by name, and what they keep."""

    version: str
    url: str = ""
    buckets: dict[str, dict[str, Any]] = field(default_factory=dict)
    mappings: dict[str, dict[str, Any]] = field(default_factory=dict)
    databases: dict[str, str | None] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=lambda: {"storage-wal-fsync-delay": "0s"})
    measurements: set[str] = field(default_factory=set)
    may_write: bool = True
    asked: list[str] = field(default_factory=list)

    def bucket(self, name: str, kept_s: int, shard_s: int = 3600) -> str:
        number = f"{len(self.buckets) + 1:016x}"
        rule = {"type": "expire", "everySeconds": kept_s, "shardGroupDurationSeconds": shard_s}
        self.buckets[number] = {
            "id": number, "orgID": ORG_ID, "type": "user", "name": name, "retentionRules": [rule] if kept_s else [],
        }  # fmt: skip
        return number


def _only(given: dict[str, Any], allowed: set[str], what: str) -> None:
    wrong = set(given) - allowed
    if wrong:
        raise RefusedError(400, "invalid", f"unknown {what}: {', '.join(sorted(wrong))}")


def _rule(rules: list[dict[str, Any]]) -> dict[str, Any]:
    if len(rules) != 1:
        raise RefusedError(422, "unprocessable entity", "only one retention rule is supported")
    (rule,) = rules
    _only(rule, {"type", "everySeconds", "shardGroupDurationSeconds"}, "key")
    if rule["type"] != "expire" or not isinstance(rule["everySeconds"], int) or 0 < rule["everySeconds"] < 3600:
        raise RefusedError(422, "unprocessable entity", "expiration seconds must be at least 1h")
    shard = rule["shardGroupDurationSeconds"]
    if not isinstance(shard, int) or (rule["everySeconds"] and shard > rule["everySeconds"]):
        raise RefusedError(422, "unprocessable entity", "shard-group duration must not be longer than the retention")
    return rule


def _orgs(_api: Api, query: dict[str, str], _body: Any) -> tuple[int, Any]:
    _only(query, {"org", "orgID", "offset", "limit", "descending", "userID"}, "parameter")
    if query.get("org") != "orewatch":
        raise RefusedError(404, "not found", f'organization name "{query.get("org")}" not found')
    return 200, {"orgs": [{"id": ORG_ID, "name": "orewatch"}]}


def _list_buckets(api: Api, query: dict[str, str], _body: Any) -> tuple[int, Any]:
    _only(query, {"after", "id", "limit", "name", "offset", "org", "orgID"}, "parameter")
    return 200, {"buckets": [b for b in api.buckets.values() if b["name"] == query.get("name", b["name"])]}


def _make_bucket(api: Api, query: dict[str, str], body: Any) -> tuple[int, Any]:
    _only(query, set(), "parameter")
    _only(body, {"orgID", "name", "description", "rp", "retentionRules", "schemaType"}, "key")
    if body["orgID"] != ORG_ID:
        raise RefusedError(400, "invalid", "orgID")
    if any(b["name"] == body["name"] for b in api.buckets.values()):
        raise RefusedError(422, "conflict", f"bucket with name {body['name']} already exists")
    rule = _rule(body["retentionRules"])
    number = api.bucket(body["name"], rule["everySeconds"], rule["shardGroupDurationSeconds"])
    return 201, api.buckets[number]


def _patch_bucket(api: Api, query: dict[str, str], body: Any, number: str) -> tuple[int, Any]:
    _only(query, set(), "parameter")
    _only(body, {"name", "description", "retentionRules"}, "key")
    if number not in api.buckets:
        raise RefusedError(404, "not found", "bucket not found")
    api.buckets[number]["retentionRules"] = [_rule(body["retentionRules"])]
    return 200, api.buckets[number]


def _list_mappings(api: Api, query: dict[str, str], _body: Any) -> tuple[int, Any]:
    _only(query, {"orgID", "org", "id", "bucketID", "default", "db", "rp"}, "parameter")
    explicit = [m for m in api.mappings.values() if m["database"] == query.get("db", m["database"])]
    taken = {(m["database"], m["retention_policy"]) for m in explicit}
    virtual = []
    for bucket in api.buckets.values():
        database, _, policy = bucket["name"].partition("/")
        policy = policy or "autogen"
        if database == query.get("db", database) and (database, policy) not in taken:
            virtual.append(
                {
                    "id": f"v{bucket['id'][1:]}", "orgID": ORG_ID, "bucketID": bucket["id"], "database": database,
                    "retention_policy": policy, "default": policy == "autogen", "virtual": True,
                }
            )  # fmt: skip
    return 200, {"content": [*virtual, *explicit]}


def _make_mapping(api: Api, query: dict[str, str], body: Any) -> tuple[int, Any]:
    _only(query, set(), "parameter")
    _only(body, {"orgID", "org", "bucketID", "database", "retention_policy", "default"}, "key")
    if body["bucketID"] not in api.buckets or body["orgID"] != ORG_ID:
        raise RefusedError(400, "invalid", "bucketID")
    number = f"{len(api.mappings) + 100:016x}"
    api.mappings[number] = {"id": number, "virtual": False, **body}
    return 201, api.mappings[number]


def _patch_mapping(api: Api, query: dict[str, str], body: Any, number: str) -> tuple[int, Any]:
    _only(query, {"orgID", "org"}, "parameter")
    _only(body, {"retention_policy", "default"}, "key")
    api.mappings[number].update(body)
    return 200, {"content": api.mappings[number]}


def _drop_mapping(api: Api, query: dict[str, str], _body: Any, number: str) -> tuple[int, Any]:
    _only(query, {"orgID", "org"}, "parameter")
    if "orgID" not in query and "org" not in query:
        raise RefusedError(400, "invalid", "orgID or org is required")
    del api.mappings[number]
    return 204, None


def _list_databases(api: Api, query: dict[str, str], _body: Any) -> tuple[int, Any]:
    _only(query, {"format", "show_deleted"}, "parameter")
    if query.get("format") != "json":
        raise RefusedError(400, "invalid", "format is required")
    return 200, [{"iox::database": name} for name in ["_internal", *api.databases]]


def _make_database(api: Api, query: dict[str, str], body: Any) -> tuple[int, Any]:
    _only(query, set(), "parameter")
    _only(body, {"db", "retention_period"}, "key")
    if body["db"] in api.databases:
        return 409, {"error": "attempted to create a resource that already exists"}
    if "_" in body["db"]:
        return 400, {"error": "invalid character in database name"}
    api.databases[body["db"]] = body.get("retention_period")
    return 200, None


V2: dict[tuple[str, str], Callable[..., tuple[int, Any]]] = {
    ("GET", "/api/v2/orgs"): _orgs,
    ("GET", "/api/v2/buckets"): _list_buckets,
    ("POST", "/api/v2/buckets"): _make_bucket,
    ("PATCH", "/api/v2/buckets/"): _patch_bucket,
    ("GET", "/api/v2/dbrps"): _list_mappings,
    ("POST", "/api/v2/dbrps"): _make_mapping,
    ("PATCH", "/api/v2/dbrps/"): _patch_mapping,
    ("DELETE", "/api/v2/dbrps/"): _drop_mapping,
    ("GET", "/api/v2/config"): lambda api, _query, _body: (200, {"config": api.config}),
}
V3: dict[tuple[str, str], Callable[..., tuple[int, Any]]] = {
    ("GET", "/api/v3/configure/database"): _list_databases,
    ("POST", "/api/v3/configure/database"): _make_database,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: Api) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api
        self.routes = V3 if api.version.startswith("3") else V2


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        split = urlsplit(self.path)
        self.server.api.asked.append(f"{self.command} {split.path}")
        try:
            status, answer = self._answer(split.path, {k: v[0] for k, v in parse_qs(split.query).items()}, raw)
        except RefusedError as error:
            status, answer = error.status, error.body
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        if split.path == "/ping":
            self.send_header("X-Influxdb-Version", self.server.api.version)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, path: str, query: dict[str, str], raw: bytes) -> tuple[int, Any]:
        api, routes = self.server.api, self.server.routes
        if path == "/ping":
            return (204, None) if routes is V2 else (200, {"version": api.version})
        if self.headers.get("Authorization") not in {f"Token {TOKEN}", f"Bearer {TOKEN}"}:
            raise RefusedError(401, "unauthorized", "unauthorized access")
        if path == "/query" and routes is V2:
            return 200, {"results": [_measurements(api)]}
        head, _, tail = path.rpartition("/")
        with_id = routes.get((self.command, head + "/"))
        route = routes.get((self.command, path)) or with_id
        if route is None:
            raise RefusedError(404, "not found", "path not found")
        if self.command != "GET" and not api.may_write:
            raise RefusedError(403, "forbidden", "insufficient permissions")
        if raw and self.headers.get("Content-Type") != "application/json":
            raise RefusedError(415, "invalid", "Content-Type must be application/json")
        return route(api, query, json.loads(raw) if raw else None, *([tail] if route is with_id else ()))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _measurements(api: Api) -> dict[str, Any]:
    if not api.measurements:
        return {"statement_id": 0}
    values = [[name] for name in sorted(api.measurements)]
    return {"statement_id": 0, "series": [{"name": "measurements", "columns": ["name"], "values": values}]}


@contextmanager
def api_stand_in(version: str) -> Iterator[Api]:
    """Serve until the block ends."""
    api = Api(version)
    server = _Server(api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="api-stand-in")
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
