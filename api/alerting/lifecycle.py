"""What may happen to an alert: the transitions of ISA-18.2 as one table."""

from __future__ import annotations

from enum import StrEnum

from api.alerting.models import AlertState

S = AlertState


class Happening(StrEnum):
    """What happens to an alert that was raised."""

    ACKNOWLEDGE = "acknowledge"
    CLEAR = "clear"
    SHELVE = "shelve"
    RELEASE_ACTIVE = "release_active"
    RELEASE_INACTIVE = "release_inactive"


class LifecycleError(ValueError):
    """This cannot happen to an alert in its state; the message says what can."""


# A recurrence is a new episode with a row of its own, so RTNUN and NORM never go back.
_TABLE: dict[tuple[AlertState, Happening], AlertState] = {
    (S.UNACK, Happening.ACKNOWLEDGE): S.ACKED,
    (S.UNACK, Happening.CLEAR): S.RTNUN,
    (S.UNACK, Happening.SHELVE): S.SHLVD,
    (S.ACKED, Happening.CLEAR): S.NORM,
    (S.ACKED, Happening.SHELVE): S.SHLVD,
    (S.RTNUN, Happening.ACKNOWLEDGE): S.NORM,
    (S.RTNUN, Happening.SHELVE): S.SHLVD,
    (S.SHLVD, Happening.CLEAR): S.SHLVD,
    (S.SHLVD, Happening.RELEASE_ACTIVE): S.UNACK,
    (S.SHLVD, Happening.RELEASE_INACTIVE): S.NORM,
}


def after(state: AlertState, happening: Happening) -> AlertState:
    """Return the state that follows; :class:`LifecycleError` where nothing may."""
    follows = _TABLE.get((state, happening))
    if follows is None:
        allowed = ", ".join(h.value for s, h in _TABLE if s is state) or "nothing"
        raise LifecycleError(f"{happening.value}: not possible in state {state.value}; allowed: {allowed}")
    return follows
