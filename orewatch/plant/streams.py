"""What flows from machine to machine: the edges of a circuit, with their branches and returns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class StreamError(ValueError):
    """A stream of a circuit is wrong; the message names it and what is allowed."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream between two machines (ids); ``title`` by language where people have a name for it."""

    source: str
    target: str
    title: Mapping[str, str] | None = None


def chain(machines: Sequence[str]) -> tuple[Stream, ...]:
    """Return the streams of machines that stand one after the other, in flow order."""
    return tuple(Stream(source, target) for source, target in pairwise(machines))


def read_streams(entries: Sequence[Mapping[str, Any]], machines: Sequence[str]) -> tuple[Stream, ...]:
    """Read a circuit's streams between ``machines`` (those that carry ore, in flow order); none given: a chain.

    Every machine must be reached from the first one. StreamError names the stream or machine.
    """
    if not entries:
        return chain(machines)
    streams: list[Stream] = []
    for entry in entries:
        source, target, title = entry.get("from"), entry.get("to"), entry.get("title")
        where = f"{source} -> {target}"
        if unknown := [end for end in (source, target) if end not in machines]:
            msg = f"{where}: no machine {unknown[0]!r} that carries ore; there are {', '.join(machines)}"
            raise StreamError(msg)
        if source == target:
            msg = f"{where}: a machine cannot feed itself; allowed: another machine"
            raise StreamError(msg)
        if title is not None and set(title) != {"en", "fa"}:
            msg = f"{where}: title has {sorted(title)}; needed: en and fa"
            raise StreamError(msg)
        if any((one.source, one.target) == (source, target) for one in streams):
            msg = f"{where}: said twice; allowed: once"
            raise StreamError(msg)
        streams.append(Stream(str(source), str(target), title))
    reached = reached_from(machines[0], streams)
    if lost := [machine for machine in machines if machine not in reached]:
        msg = f"nothing leads from {machines[0]!r} to {lost[0]!r}; every machine that carries ore must be reached"
        raise StreamError(msg)
    return tuple(streams)


def reached_from(start: str, streams: Sequence[Stream]) -> set[str]:
    """Return the machines that the streams lead to from ``start``, itself among them."""
    reached, ahead = {start}, [start]
    while ahead:
        here = ahead.pop()
        new = {one.target for one in streams if one.source == here} - reached
        reached |= new
        ahead += new
    return reached
