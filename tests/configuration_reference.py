"""Writes the tables of ``docs/configuration.md`` from the settings' models: ``make reference``.

A table stands between ``<!-- table: <model> <key> -->`` and ``<!-- end -->``; the rest of the page is people's own.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, SecretStr, StringConstraints
from pydantic_core import PydanticUndefined

from api.command import PREFIX as API_PREFIX
from api.settings import ApiSettings
from collector.settings import PREFIX as COLLECTOR_PREFIX
from collector.settings import CollectorSettings
from dashboards.settings import PREFIX as DASHBOARDS_PREFIX
from dashboards.settings import DashboardsSettings
from edge_agent.settings import PREFIX as AGENT_PREFIX
from edge_agent.settings import AgentSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

PAGE: Final = Path(__file__).parent.parent / "docs" / "configuration.md"
PROGRAMS: Final[dict[str, tuple[type[BaseModel], str]]] = {
    "agent": (AgentSettings, AGENT_PREFIX),
    "collector": (CollectorSettings, COLLECTOR_PREFIX),
    "api": (ApiSettings, API_PREFIX),
    "dashboards": (DashboardsSettings, DASHBOARDS_PREFIX),
}
TABLE: Final = re.compile(r"<!-- table: (?P<name>[\w .]+) -->\n.*?<!-- end -->", re.DOTALL)
_HEAD: Final = "| key | type | default | allowed | meaning | variable |\n|---|---|---|---|---|---|\n"
_KINDS: Final = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true, false",
    Path: "path",
    SecretStr: "secret",
}
_SIGNS: Final = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}


class Place(NamedTuple):
    """One table of settings: its name on the page, its model, and its variables' prefix (None: file only)."""

    name: str
    model: type[BaseModel]
    variable: str | None


def places() -> Iterator[Place]:
    """Every table of every program, outer ones first."""
    for program, (model, prefix) in PROGRAMS.items():
        yield from _places(program, "", model, prefix)


def _places(program: str, path: str, model: type[BaseModel], variable: str | None) -> Iterator[Place]:
    yield Place(f"{program} {path}".strip(), model, variable)
    for key, field in model.model_fields.items():
        name = field.alias or key
        inner = f"{path}.{name}".strip(".")
        several = get_origin(_plain(field.annotation)) in {tuple, dict}
        below = None if several or variable is None else f"{variable}{key.upper()}__"
        for part in _models(field.annotation):
            kind = part.model_fields.get("kind")
            # Where a key takes several kinds of table, the kind is part of the name.
            several_kinds = kind is not None and len(_models(field.annotation)) > 1
            which = f" {get_args(kind.annotation)[0]}" if kind and several_kinds else ""
            yield from _places(program, f"{inner}{which}", part, below)


def _plain(annotation: Any) -> Any:
    """Without ``Annotated`` and ``| None``."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        left = [a for a in get_args(annotation) if a is not NoneType]
        return _plain(left[0]) if len(left) == 1 else annotation
    return annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    plain = _plain(annotation)
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return [plain]
    return [m for part in get_args(plain) for m in _models(part)]


def table(place: Place) -> str:
    """Return the table of one model in Markdown."""
    return _HEAD + "".join(_row(place, key, field) for key, field in place.model.model_fields.items())


def _row(place: Place, key: str, field: FieldInfo) -> str:
    if not field.description:
        raise ValueError(f"{place.model.__name__}.{key}: no description; give its Field one")
    whole = _models(field.annotation) or get_origin(_plain(field.annotation)) is dict
    variable = f"`{place.variable}{key.upper()}`" if place.variable and not whole else ""
    cells = (
        f"`{field.alias or key}`",
        _kind(field.annotation),
        _default(field),
        _allowed(field),
        field.description,
        variable,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _kind(annotation: Any) -> str:
    plain = _plain(annotation)
    origin = get_origin(plain)
    if origin is Literal or (isinstance(plain, type) and issubclass(plain, Enum)):
        return "text" if isinstance(next(iter(_choices(plain))), str) else "whole number"
    if origin in {tuple, list}:
        return "array of tables" if _models(plain) else f"list of {_kind(get_args(plain)[0])}"
    if origin is dict:
        return "table of tables" if _models(plain) else f"table of {_kind(get_args(plain)[1])}s"
    if _models(plain):
        return "table"
    return _KINDS[plain]


def _choices(plain: Any) -> list[Any]:
    return list(get_args(plain)) if get_origin(plain) is Literal else [e.value for e in plain]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**must be set**"
    value = field.default_factory() if field.default_factory else field.default  # type: ignore[call-arg]
    if value is PydanticUndefined or value is None or value in ((), {}, [], "") or isinstance(value, BaseModel):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "`[" + ", ".join(f'"{v}"' for v in value) + "]`"
    if isinstance(value, Enum):
        value = value.value
    return f"{value:g}" if isinstance(value, float) else f"`{value}`" if isinstance(value, str | Path) else str(value)


def _allowed(field: FieldInfo) -> str:
    plain = _plain(field.annotation)
    if get_origin(plain) is Literal or (isinstance(plain, type) and issubclass(plain, Enum)):
        return ", ".join(f"`{v}`" for v in _choices(plain))
    return ", ".join(text for rule in (*field.metadata, *_rules(field.annotation)) if (text := _limit(rule)))


def _rules(annotation: Any) -> list[Any]:
    """What ``Annotated`` says of the value itself; of the parts of a list nothing is said here."""
    if get_origin(annotation) is Annotated:
        return list(annotation.__metadata__)
    if get_origin(annotation) in {Union, UnionType}:
        return [rule for part in get_args(annotation) for rule in _rules(part)]
    return []


def _limit(rule: Any) -> str:
    for kind, (sign, name) in _SIGNS.items():
        if isinstance(rule, kind):
            return f"{sign} {getattr(rule, name):.12g}"
    if isinstance(rule, MinLen):
        return f"at least {rule.min_length}"
    if isinstance(rule, MaxLen):
        return f"at most {rule.max_length}"
    if isinstance(rule, StringConstraints):
        return ", ".join(
            text
            for text, given in (
                (f"`{rule.pattern}`", rule.pattern),
                (f"from {rule.min_length} characters", rule.min_length),
                (f"to {rule.max_length} characters", rule.max_length),
            )
            if given
        )
    pattern = getattr(rule, "pattern", None)
    return f"`{pattern}`" if pattern else ""


def written(page: str) -> str:
    """Return ``page`` with every table as the models have it; ValueError where a name is unknown."""
    known = {place.name: place for place in places()}

    def replaced(found: re.Match[str]) -> str:
        if found["name"] not in known:
            raise ValueError(f"table {found['name']!r}; allowed: {', '.join(known)}")
        return f"<!-- table: {found['name']} -->\n{table(known[found['name']])}<!-- end -->"

    return TABLE.sub(replaced, page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
