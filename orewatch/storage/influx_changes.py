"""What a set-up of an InfluxDB has done, and how it decides what may be done to a level that is already there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from orewatch.storage.influx import shortened
from orewatch.storage.levels import spoken

if TYPE_CHECKING:
    import httpx

UNAUTHORISED = frozenset({401, 403})


class SetupError(RuntimeError):
    """The server could not be set up; the message says why and what to do."""


class Done(StrEnum):
    """What became of one thing. LEFT: it is not as wanted, and was left so; REFUSED: the server does not let us."""

    MADE = "made"
    ALTERED = "altered"
    ALREADY = "already so"
    LEFT = "left"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing of a set-up, such as ``retention policy minutes``, and what became of it."""

    thing: str
    done: Done
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.thing}: {self.done.value}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with the retention of a level that is there: alter it or not, and what to say."""

    done: Done
    detail: str

    @property
    def alter(self) -> bool:
        """Whether the retention is to be altered."""
        return self.done is Done.ALTERED


def judge(*, kept_s: int, wanted_s: int, loses_nothing: bool, force: bool, only_missing: bool) -> Verdict:
    """Decide on a level that keeps ``kept_s`` seconds and should keep ``wanted_s``; 0 is for ever.

    ``loses_nothing``: nothing that is there is older than ``wanted_s``; a server's own default of for ever may then
    be shortened. A length that somebody chose is shortened with ``force`` only.
    """
    if kept_s == wanted_s:
        return Verdict(Done.ALREADY, f"keeps {spoken(kept_s)}")
    shorter = bool(wanted_s) and (kept_s == 0 or wanted_s < kept_s)
    said = f"keeps {spoken(kept_s)}, the settings say {spoken(wanted_s)}"
    if only_missing:
        return Verdict(Done.LEFT, said)
    if shorter and not force and not (kept_s == 0 and loses_nothing):
        return Verdict(Done.LEFT, f"{said}; --force shortens it, and deletes what is older")
    return Verdict(Done.ALTERED, f"kept {spoken(kept_s)}, keeps {spoken(wanted_s)}")


def answered(
    answer: httpx.Response, doing: str, *, fine: frozenset[int] = frozenset({200, 201, 204})
) -> httpx.Response:
    """Return ``answer`` where its status is fine; else :class:`SetupError` with the server's words and what to do."""
    if answer.status_code in fine:
        return answer
    words = f"{doing}: the server answered {answer.status_code}: {shortened(answer.text)}"
    if answer.status_code in UNAUTHORISED:
        words += (
            "; look at the settings influx.token, influx.username and influx.password:"
            " making buckets needs a token that may (2.x: an all-access one), or an administrator's name"
        )
    raise SetupError(words)
