"""Ctrl-C before anything listens for it.

Python answers it with KeyboardInterrupt wherever it is. Inside an import that may be code in C that
drops every exception, and the program would go on as if nothing had been pressed. So it is noted
as well, and whoever begins to run asks for it.
"""

import signal
from types import FrameType

_pressed = False


def note_interrupts() -> None:
    """Note SIGINT from now on, besides raising KeyboardInterrupt."""
    signal.signal(signal.SIGINT, _note)


def interrupted() -> bool:
    """Whether SIGINT has come since."""
    return _pressed


def _note(number: int, frame: FrameType | None) -> None:
    global _pressed  # noqa: PLW0603 - a signal knows nothing but globals
    _pressed = True
    signal.default_int_handler(number, frame)
