"""When a condition becomes true, when it may be told again, and when it ends. Pure.

    armed ── where is true ──▶ raised ── where is false, or `rearm` is true ──▶ armed
             (told)                      (ended)

What has no answer changes nothing.
"""

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Of one gauge. armed: it can tell.  raised: it has told, and waits for its end."""

    ARMED = "armed"
    RAISED = "raised"


class Turn(NamedTuple):
    """What a look brings. began: the condition became true.  ended: it ceased to be."""

    state: State
    began: bool = False
    ended: bool = False


# Made once, and with names of their own: this is asked of each of many gauges.
ARMED, RAISED = State.ARMED, State.RAISED
_STAYS_ARMED, _STAYS_RAISED = Turn(ARMED), Turn(RAISED)
_BEGAN, _ENDED = Turn(RAISED, began=True), Turn(ARMED, ended=True)


def turn(state: State, holds: bool | None, rearms: bool | None) -> Turn:
    """Return what follows from a look.

    holds: the condition, None where it has no answer.  rearms: the condition that arms it again;
    without one of its own, that `where` is false. While both hold nothing is armed: it could tell
    twice of one look.
    """
    if state is ARMED:
        return _BEGAN if holds else _STAYS_ARMED
    return _ENDED if rearms and not holds else _STAYS_RAISED


def rearms_by_itself(holds: bool | None) -> bool | None:
    """Return whether a rule without `rearm` is armed again: once its condition is false."""
    return None if holds is None else not holds
