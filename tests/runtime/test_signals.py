"""Ctrl-C before anything listens for it."""

import signal
import subprocess
import sys

from tests.patience import HANG_SECONDS

DROPPED = """
import asyncio, os, signal
from crypitor.runtime.signals import run_until_signalled
from crypitor.runtime.signals import note_interrupts
from tests.patience import HANG_SECONDS

class Dropping:
    def __del__(self):  # its exceptions are dropped, as code in C does inside an import
        {what}

note_interrupts()
Dropping()
run_until_signalled({main})
print("ended")
"""


def dropping(what, main):
    """Run a program that drops an exception while it starts."""
    return subprocess.run(
        [sys.executable, "-c", DROPPED.format(what=what, main=main)],
        capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
    )  # fmt: skip


def test_an_interrupt_that_was_dropped_ends_what_begins_later():
    """What Python dropped while the program started still stops it, and nothing is said of it."""
    ended = dropping("os.kill(os.getpid(), signal.SIGINT)", "asyncio.Event.wait")

    assert (ended.stdout, ended.stderr, ended.returncode) == ("ended\n", "", 0)


def test_another_exception_that_was_dropped_is_told():
    """Only the interrupt is known by other means."""
    ended = dropping("1 / 0", "lambda stop: asyncio.sleep(0)")

    assert "ZeroDivisionError" in ended.stderr
    assert (ended.stdout, ended.returncode) == ("ended\n", 0)


def test_an_interrupt_while_it_starts_ends_it():
    """Where nothing drops it, it ends the program at once."""
    script = "import os, signal; from crypitor.runtime.signals import note_interrupts; note_interrupts()\n"
    ended = subprocess.run(
        [sys.executable, "-c", script + "os.kill(os.getpid(), signal.SIGINT)\nprint('goes on')"],
        capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
    )  # fmt: skip

    assert (ended.stdout, ended.returncode) == ("", -signal.SIGINT)
