"""One check after the other, each bounded in time: a server that hangs must not keep the rest from being said."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from orewatch.doctor.finding import Finding, failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LONGEST_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Check:
    """A question: where it belongs, what it is called while it runs, and who answers it."""

    area: str
    name: str
    look: Callable[[], Sequence[Finding]]


def examine(checks: Sequence[Check], *, longest_s: float = LONGEST_S) -> Iterator[Finding]:
    """Yield what each check found; one that takes longer than ``longest_s`` is a finding of its own."""
    for check in checks:
        yield from _in_time(check, longest_s)


def _in_time(check: Check, longest_s: float) -> Sequence[Finding]:
    found: list[Finding] = []

    def run() -> None:
        try:
            found.extend(check.look())
        except Exception as error:  # noqa: BLE001 - a fault of one check must not hide the others
            found.append(
                failed(check.area, check.name, f"the check itself failed: {type(error).__name__}: {error}", "tell us")
            )

    # A daemon: what hangs for good must not keep the process.
    thread = threading.Thread(target=run, name=f"doctor {check.name}", daemon=True)
    thread.start()
    thread.join(longest_s)
    if thread.is_alive():
        return [
            failed(check.area, check.name, f"no answer within {longest_s:g} s", "see whether it hangs; start it again")
        ]
    return found
