"""Settings of a process: one TOML file, then ``OREWATCH_*`` variables over it, secrets also as ``*_FILE``.

A wrong setting stops the start with the place it came from, its name, its value and what is allowed.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

MAX_SECRET_BYTES = 65_536
_LISTS = ("list_type", "tuple_type", "set_type")
_SECRET_WORDS = ("password", "token", "secret", "key")
_ADDRESS_WITH_NAME = re.compile(r"[a-z+]+://[^/]*@")


class SettingsError(ValueError):
    """One or more settings are wrong; ``problems`` has a line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _http_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("no address; allowed: http://host:port or https://host:port")
    if "@" in parts.netloc:
        raise ValueError("holds a name or a password; allowed: http://host:port, the rest in settings of its own")
    return url


HttpAddress = Annotated[str, AfterValidator(_http_address)]
"""An address that may be logged: without a name or a password in it."""


def read_toml(file: Path) -> dict[str, Any]:
    """Return the file's table; :class:`SettingsError` where it cannot be read or is not TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"{file}: {error.strerror}; allowed: a readable TOML file"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{file}: not TOML: {error}"]) from error


def read_settings(model: type[Model], *, file: Path | None = None, prefix: str, environ: Mapping[str, str]) -> Model:
    """Return ``model`` filled from ``file`` and from variables named ``prefix`` + FIELD (``__`` between levels).

    ``FIELD_FILE`` names a file that holds the value of FIELD. A variable with the prefix that is no
    setting is an error too: a misspelt name must not pass in silence. :class:`SettingsError`.
    """
    table = read_toml(file) if file else {}
    origin: dict[tuple[str, ...], str] = {}
    problems: list[str] = []
    for variable, path, value in _variables(model, prefix, environ, problems):
        _put(table, path, value)
        origin[path] = variable
    if problems:
        raise SettingsError(problems)
    _split_lists(model, table, origin)
    return validated(model, table, source=str(file) if file else "environment", origin=origin)


def validated(
    model: type[Model],
    table: Mapping[str, Any],
    *,
    source: str,
    origin: Mapping[tuple[str, ...], str] | None = None,
) -> Model:
    """Return ``model`` made of ``table``; :class:`SettingsError` with a line per wrong key, naming ``source``."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        errors = error.errors()
        # A list whose only item is wrong is told to be empty as well: that would mislead.
        inner = [e["loc"] for e in errors]
        told = [e for e in errors if e["type"] != "too_short" or not any(_within(loc, e["loc"]) for loc in inner)]
        raise SettingsError([_explain(e, source, origin or {}) for e in told]) from error


def _within(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _split_lists(model: type[BaseModel], table: dict[str, Any], origin: Mapping[tuple[str, ...], str]) -> None:
    """A variable is one line of text: where a list is wanted, its items stand between commas."""
    try:
        model.model_validate(table)
    except ValidationError as error:
        for wrong in error.errors():
            path = tuple(map(str, wrong["loc"]))
            if wrong["type"] in _LISTS and path in origin:
                _put(table, path, [item.strip() for item in str(wrong["input"]).split(",") if item.strip()])


def _variables(
    model: type[BaseModel], prefix: str, environ: Mapping[str, str], problems: list[str]
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    known = set(model.model_fields)
    for variable in sorted(environ):
        if not variable.startswith(prefix):
            continue
        name = variable.removeprefix(prefix).lower()
        value = environ[variable]
        if name.endswith("_file") and not _is_setting(model, name.split("__")):
            name = name.removesuffix("_file")
            try:
                raw = Path(value).read_bytes()
            except OSError as error:
                problems.append(f"{variable}: {value!r}: {error.strerror}; allowed: a readable file")
                continue
            if len(raw) > MAX_SECRET_BYTES:
                problems.append(f"{variable}: {len(raw)} bytes; allowed: {MAX_SECRET_BYTES}")
                continue
            value = raw.decode(errors="replace").strip()
        path = tuple(name.split("__"))
        if path[0] not in known:
            allowed = ", ".join(prefix + k.upper() for k in sorted(known))
            problems.append(f"{variable}: no such setting; allowed: {allowed}")
            continue
        yield variable, path, value


def _is_setting(model: type[BaseModel], path: Sequence[str]) -> bool:
    field = model.model_fields.get(path[0])
    if field is None or len(path) == 1:
        return field is not None
    # A table that may be left out is annotated ``Table | None``.
    kinds = (field.annotation, *get_args(field.annotation))
    return any(isinstance(k, type) and issubclass(k, BaseModel) and _is_setting(k, path[1:]) for k in kinds)


def _put(table: dict[str, Any], path: tuple[str, ...], value: str | list[str]) -> None:
    for key in path[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            return  # a value where a table belongs: validation names it
    table[path[-1]] = value


def _explain(error: ErrorDetails, source: str, origin: Mapping[tuple[str, ...], str]) -> str:
    path = tuple(str(p) for p in error["loc"])
    where = next((origin[path[:n]] for n in range(len(path), 0, -1) if path[:n] in origin), source)
    if not path and error["type"] == "value_error":
        # Settings that do not fit together: the message names them.
        return f"{where}: {error['msg'].removeprefix('Value error, ')}"
    key = ".".join(path) or "(whole)"
    if error["type"] == "value_error" and isinstance(error["input"], dict):
        # Keys of one table that do not fit together: the message names them.
        return f"{where}: {key}: {error['msg'].removeprefix('Value error, ')}"
    secret = any(word in key.lower() for word in _SECRET_WORDS) or _ADDRESS_WITH_NAME.match(str(error["input"]))
    # A whole table may hold secrets, and is too long to help.
    hidden = secret or isinstance(error["input"], dict | list)
    value = "(not shown)" if hidden else repr(error["input"])
    if error["type"] == "missing":
        return f"{where}: {key}: missing; it must be set"
    if error["type"] == "extra_forbidden":
        return f"{where}: {key} = {value}: no such setting"
    return f"{where}: {key} = {value}: {error['msg']}"
