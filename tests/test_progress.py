"""What `make setup` and `make binary` show while they work."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

PROGRESS = Path(__file__).resolve().parents[1] / "deploy/progress.py"
SAYS = "print('first'); print('second'); print('third', flush=True)"


def shown(*command, **options):
    return subprocess.run(
        [sys.executable, PROGRESS, "the work", *command], capture_output=True, text=True, **options
    )


def test_what_succeeds_is_told_in_two_lines():
    """When it begins and when it is done; what it said is of no use then."""
    done = shown(sys.executable, "-c", SAYS)

    assert done.returncode == 0
    assert re.fullmatch(r"the work …\nthe work: done, \d+ s\n", done.stdout)


def test_what_fails_is_told_whole():
    """With all that it said, and its exit status."""
    done = shown(sys.executable, "-c", f"{SAYS}; import sys; sys.exit('because')")

    assert done.returncode == 1
    assert re.fullmatch(
        r"the work …\nthe work: failed with status 1, \d+ s\nfirst\nsecond\nthird\nbecause\n",
        done.stdout,
    )


def test_on_a_terminal_one_line_shows_what_is_done_now():
    """The last thing that was said, over and over in the same line."""
    ours, theirs = pty.openpty()
    waits = f"{SAYS}; input()"
    with subprocess.Popen(
        [sys.executable, PROGRESS, "the work", sys.executable, "-c", waits],
        stdin=subprocess.PIPE, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        text = b""
        while b"third" not in text:  # at the latest when it looks again
            text += os.read(ours, 1024)
        process.communicate(b"\n")
        while not text.endswith(b"\r\n"):
            text += os.read(ours, 1024)
    os.close(ours)

    lines = text.decode().split("\r\x1b[K")
    assert process.returncode == 0
    assert re.fullmatch(r"the work … +\d+ s  third", lines[-2])
    assert re.fullmatch(r"the work: done, \d+ s\r\n", lines[-1])
