"""How much an endpoint is told: so many messages in a window, then one that counts the rest. Pure.

A window begins with the first message after the one before it is over. When it is full, what comes
gathers until its end, and then goes as one message, the first of the next window.
"""

from dataclasses import dataclass

LONGEST_WINDOW_SECONDS = 86_400
MOST_MESSAGES = 1000
MOST_COUNTED = 1000
"""Deliveries that one message counts; they are claimed and recorded in one transaction."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """At most so many messages in a window of so many seconds."""

    most: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Window:
    """Where an endpoint stands. until: its end, unix milliseconds. left: messages it has room for.

    One that is full, and over, may have left a rest to count.
    """

    until: int = 0
    left: int = 1


FIRST = Window()
"""Over, and with no rest: of an endpoint that was told nothing yet."""


def is_over(quiet: Quiet, window: Window, now: int) -> bool:
    """Whether a window has ended. One that lasts for longer than any is of a clock far ahead.

    now: unix milliseconds.
    """
    return not now < window.until <= now + quiet.window_seconds * 1000


def is_full(quiet: Quiet | None, window: Window, now: int) -> bool:
    """Whether nothing may be sent before the window's end. now: unix milliseconds."""
    return quiet is not None and window.left == 0 and not is_over(quiet, window, now)


def may_have_left(quiet: Quiet, window: Window, now: int) -> bool:
    """Whether what came before the window's end may wait to be counted."""
    return window.left == 0 and is_over(quiet, window, now)


def opened(quiet: Quiet, window: Window, now: int) -> Window:
    """Return the window that a message of now belongs to. now: unix milliseconds."""
    if is_over(quiet, window, now):
        return Window(now + quiet.window_seconds * 1000, quiet.most)
    return Window(window.until, min(window.left, quiet.most))


def used(window: Window, messages: int) -> Window:
    """Return a window after so many messages, of those that it had room for."""
    return Window(window.until, window.left - messages)


def returned(quiet: Quiet, window: Window, now: int, *, counted: bool) -> Window:
    """Return a window after a message was not taken: it has room for another.

    counted: it counted others, which gather again for the next try. now: unix milliseconds.
    """
    if counted:
        return Window(now, 0)
    if is_over(quiet, window, now):
        return window
    return Window(window.until, min(window.left + 1, quiet.most))


def changed(before: Quiet | None, after: Quiet | None, window: Window) -> Window:
    """Return the window where an owner changed the limit: what has gathered is counted now."""
    if after is None:
        return FIRST
    return window if before == after else Window(0, min(window.left, 1))
