"""Runs a command that takes minutes, and shows that it goes on: `progress.py TITLE COMMAND…`.

On a terminal one line says what the command said last, and how long it has taken; elsewhere a line
every ten seconds. All that it said is shown if it fails, with the exit status of the command.
"""

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

LOOK_SECONDS = 1.0
QUIET_SECONDS = 10.0
CLEAR = "\r\x1b[K"


class Line:
    """The line that is written over and over; elsewhere than on a terminal, a few lines."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.live = sys.stdout.isatty()
        self.columns = shutil.get_terminal_size((100, 1)).columns - 1
        self.began = self.shown = time.monotonic()
        print(f"{title} …", end="" if self.live else "\n", flush=True)

    def show(self, said: str) -> None:
        """Show what the command said last, unless that would be too often."""
        now = time.monotonic()
        if now - self.shown < (0.1 if self.live else QUIET_SECONDS):
            return
        self.shown = now
        text = f"{self.title} … {now - self.began:3.0f} s  {said}"[: self.columns]
        print(CLEAR + text if self.live else text, end="" if self.live else "\n", flush=True)

    def end(self, status: int) -> None:
        """Say how it ended, and how long it took."""
        word = "done" if status == 0 else f"failed with status {status}"
        seconds = time.monotonic() - self.began
        print(f"{CLEAR if self.live else ''}{self.title}: {word}, {seconds:.0f} s", flush=True)


def pieces(output: int) -> Iterator[bytes]:
    """Yield what is said as it comes, and nothing once a second, until the end."""
    while True:
        if not select.select([output], [], [], LOOK_SECONDS)[0]:
            yield b""
        elif piece := os.read(output, 65536):
            yield piece
        else:
            return


def main(title: str, *command: str) -> int:
    """Run the command; return its exit status."""
    line, said = Line(title), bytearray()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    ) as process:
        assert process.stdout
        for piece in pieces(process.stdout.fileno()):
            said += piece
            last = said[-1000:].decode(errors="replace").strip().splitlines()
            line.show(last[-1] if last else "")
    line.end(process.returncode)
    if process.returncode:
        print(said.decode(errors="replace"), end="")
    return process.returncode


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
