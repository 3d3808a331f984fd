"""Prometheus's text exposition format 0.0.4: families of samples, each with its help and its type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orewatch.storage.durations import Histogram

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One value. ``suffix``: what its name has behind the family's, as a histogram's have."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name; ``kind`` is gauge, counter or histogram."""

    name: str
    kind: str
    text: str
    samples: list[Sample] = field(default_factory=list)


def gauge(name: str, text: str, value: float | None) -> Family:
    """Return a gauge without labels; without a sample where the value is not known."""
    return Family(name, "gauge", text, [] if value is None else [Sample({}, value)])


def counter(name: str, text: str, value: float) -> Family:
    """Return a counter without labels."""
    return Family(name, "counter", text, [Sample({}, value)])


def labelled(name: str, kind: str, text: str, label: str, values: Mapping[str, float | None]) -> Family:
    """Return a family with a sample for each value that is known, told apart by one label."""
    return Family(name, kind, text, [Sample({label: k}, v) for k, v in values.items() if v is not None])


def histogram(name: str, text: str, found: Histogram) -> Family:
    """Return a histogram; its buckets are cumulative, as Prometheus wants them."""
    samples, below = [], 0
    for bound, count in zip((*map(_number, found.bounds_s), "+Inf"), found.counts, strict=True):
        below += count
        samples.append(Sample({"le": bound}, below, "_bucket"))
    return Family(name, "histogram", text, [*samples, Sample({}, found.seconds, "_sum"), Sample({}, below, "_count")])


def exposition(families: Iterable[Family]) -> str:
    """Return the text; a family without samples is left out."""
    return "".join(_text(family) for family in families if family.samples)


def _text(family: Family) -> str:
    lines = [f"# HELP {family.name} {family.text}\n# TYPE {family.name} {family.kind}\n"]
    for labels, value, suffix in family.samples:
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"{family.name}{suffix}{'{' + shown + '}' if shown else ''} {_number(value)}\n")
    return "".join(lines)


def _number(value: float) -> str:
    """Return all digits of a value: a counter of millions must not stand still for want of them."""
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)  # noqa: PLR2004 - exact


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
