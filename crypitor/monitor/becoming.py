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


_STAYS = {state: Turn(state) for state in State}


def turn(state: State, holds: bool | None, rearms: bool | None) -> Turn:
    """Return what follows from a look.

    holds: the condition, None where it has no answer.  rearms: the condition that arms it again;
    without one of its own, that `where` is false. While both hold nothing is armed: it could tell
    twice of one look.
    """
    if state is State.ARMED:
        return Turn(State.RAISED, began=True) if holds else _STAYS[state]
    if rearms and not holds:
        return Turn(State.ARMED, ended=True)
    return _STAYS[state]


def rearms_by_itself(holds: bool | None) -> bool | None:
    """Return whether a rule without `rearm` is armed again: once its condition is false."""
    return None if holds is None else not holds
