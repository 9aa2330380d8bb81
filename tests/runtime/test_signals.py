"""Ctrl-C before anything listens for it; signals that end a program, and how."""

import contextlib
import signal
import subprocess
import sys

import pytest

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


SERVING = """
import asyncio, os, signal, sys
from crypitor.runtime.signals import run_until_signalled

async def main(stop):
    print("serving", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print("ended", flush=True)

{before}
run_until_signalled(main)
"""


@contextlib.contextmanager
def serving(before=""):
    """A program that ends in good order when it is told to, as soon as a line comes."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVING.format(before=before)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "serving\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_hangup_ends_it_in_good_order():
    """A terminal that is closed, or `kill -HUP`, is as good as SIGTERM."""
    with serving() as process:
        process.send_signal(signal.SIGHUP)
        told, _ = process.communicate("\n", timeout=30)

    assert (told, process.returncode) == ("stopping\nended\n", 0)


@pytest.mark.parametrize(
    "signs",
    [
        (signal.SIGTERM, signal.SIGHUP),  # systemd with SendSIGHUP
        (signal.SIGHUP, signal.SIGTERM),
        (signal.SIGHUP, signal.SIGHUP),
        (signal.SIGINT, signal.SIGHUP),
    ],
)
def test_a_hangup_is_nobodys_impatience(signs):
    """Beside another signal it cuts nothing off."""
    with serving() as process:
        process.send_signal(signs[0])
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signs[1])
        told, _ = process.communicate("\n", timeout=30)

    assert (told, process.returncode) == ("ended\n", 0)


def test_the_second_signal_kills_at_once():
    """Of those that somebody sends who does not want to wait."""
    with serving() as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signal.SIGTERM)

        assert process.wait(30) == -signal.SIGTERM


def test_nohup_is_heeded():
    """Who asked for it to be ignored is not left without the service."""
    with serving("signal.signal(signal.SIGHUP, signal.SIG_IGN)") as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate("\n", timeout=30)

    assert (told, process.returncode) == ("stopping\nended\n", 0)
