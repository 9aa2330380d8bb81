"""Ctrl-C before anything listens for it."""

import signal
import subprocess
import sys

DROPPED = """
import asyncio, os, signal
from crypitor.signals import run_until_signalled
from crypitor.signals import note_interrupts

note_interrupts()
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    pass  # as code in C does, inside an import
run_until_signalled(asyncio.Event.wait)
print("ended")
"""


def test_an_interrupt_that_was_dropped_ends_what_begins_later():
    """What Python dropped while the program started still stops it."""
    ended = subprocess.run(
        [sys.executable, "-c", DROPPED], capture_output=True, text=True, timeout=30, check=False
    )

    assert (ended.stdout, ended.returncode) == ("ended\n", 0), ended.stderr


def test_an_interrupt_while_it_starts_ends_it():
    """Where nothing drops it, it ends the program at once."""
    script = "import os, signal; from crypitor.signals import note_interrupts; note_interrupts()\n"
    ended = subprocess.run(
        [sys.executable, "-c", script + "os.kill(os.getpid(), signal.SIGINT)\nprint('goes on')"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert (ended.stdout, ended.returncode) == ("", -signal.SIGINT)
