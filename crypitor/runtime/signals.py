"""SIGINT and SIGTERM, which end the program; also before anything listens for them.

Python answers Ctrl-C with KeyboardInterrupt wherever it is. Inside an import that may be code in C
that drops every exception, and the program would go on as if nothing had been pressed. So it is
noted as well, and whoever begins to run looks at that.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any

_pressed = False


def note_interrupts() -> None:
    """Note SIGINT from now on, besides raising KeyboardInterrupt; who drops that needs not say so.

    For the main program alone: it replaces Python's report of exceptions that were dropped.
    """
    signal.signal(signal.SIGINT, _note)
    sys.unraisablehook = _report


def run_until_signalled(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine whose event SIGINT or SIGTERM sets; a second signal kills at once."""

    async def guarded() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def told() -> None:
            for each in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(each)
            stop.set()

        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, told)
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


def _report(dropped: "sys.UnraisableHookArgs") -> None:
    if not issubclass(dropped.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)


def _note(number: int, frame: FrameType | None) -> None:
    global _pressed  # noqa: PLW0603 - a signal knows nothing but globals
    _pressed = True
    signal.default_int_handler(number, frame)
