"""SIGINT, SIGTERM and SIGHUP, which end the program; also before anything listens for them.

Python answers Ctrl-C with KeyboardInterrupt wherever it is. Inside an import that may be code in C
that drops every exception, and the program would go on as if nothing had been pressed. So it is
noted as well, and whoever begins to run looks at that.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_pressed = False

HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)  # not there on every platform


def note_interrupts() -> None:
    """Note SIGINT from now on, besides raising KeyboardInterrupt; who drops that needs not say so.

    For the main program alone: it replaces Python's report of exceptions that were dropped.
    """
    signal.signal(signal.SIGINT, _note)
    sys.unraisablehook = _report


def run_until_signalled(
    main: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
    hangup: Callable[[], None] | None = None,
) -> None:
    """Run a coroutine whose event SIGINT, SIGTERM or SIGHUP sets. hangup: see `stop_signal`."""

    async def guarded() -> None:
        with stop_signal(hangup) as stop:
            if _pressed:
                stop.set()
            await main(stop)

    try:
        import uvloop  # noqa: PLC0415 - not there on every platform

        factory = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(guarded())


@contextmanager
def stop_signal(hangup: Callable[[], None] | None = None) -> Iterator[asyncio.Event]:
    """Give an event that SIGINT, SIGTERM or SIGHUP sets; within a running loop.

    hangup: called at SIGHUP instead, where there is no terminal that could have been closed.

    The second SIGINT or SIGTERM kills at once: somebody is impatient. SIGHUP is nobody's wish to
    kill: a terminal was closed, or systemd sends it right after SIGTERM. Where it is ignored
    already (`nohup`), it stays so.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    impatient = (signal.SIGINT, signal.SIGTERM)

    def told() -> None:
        for each in impatient:
            loop.remove_signal_handler(each)
        stop.set()

    heard = [*impatient]
    for each in impatient:
        loop.add_signal_handler(each, told)
    if HANGUP is not None and signal.getsignal(HANGUP) is not signal.SIG_IGN:
        ends = hangup is None or has_terminal()
        loop.add_signal_handler(HANGUP, stop.set if ends or hangup is None else hangup)
        heard.append(HANGUP)
    try:
        yield stop
    finally:
        for each in heard:
            loop.remove_signal_handler(each)


def has_terminal() -> bool:
    """Whether this process belongs to a terminal, whose closing sends SIGHUP."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _report(dropped: "sys.UnraisableHookArgs") -> None:
    if not issubclass(dropped.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)


def _note(number: int, frame: FrameType | None) -> None:
    global _pressed  # noqa: PLW0603 - a signal knows nothing but globals
    _pressed = True
    signal.default_int_handler(number, frame)
