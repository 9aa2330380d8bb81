"""Runs a command that takes minutes, and shows that it goes on: `progress.py TITLE COMMAND…`.

On a terminal one line says what the command said last; elsewhere a line every ten seconds. All that
it said is shown if it fails, with the exit status of the command.
"""

import shutil
import subprocess
import sys
import time

QUIET_SECONDS = 10.0
CLEAR = "\r\x1b[K"


class Line:
    """The line that is written over and over; `shown` is when that was last."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.columns = shutil.get_terminal_size((100, 1)).columns - 1
        self.began = self.shown = time.monotonic()
        self.live = sys.stdout.isatty()
        print(f"{title} …", end="" if self.live else "\n", flush=True)

    def show(self, said: str) -> None:
        """Show what the command said last, unless that would be too often."""
        now = time.monotonic()
        if not self.live and now - self.shown < QUIET_SECONDS:
            return
        self.shown = now
        text = f"{self.title} … {now - self.began:3.0f} s  {said}"[: self.columns]
        print(CLEAR + text if self.live else text, end="" if self.live else "\n", flush=True)

    def end(self, status: int) -> None:
        """Say how long it took."""
        word = "done" if status == 0 else f"failed ({status})"
        seconds = time.monotonic() - self.began
        print(f"{CLEAR if self.live else ''}{self.title}: {word}, {seconds:.0f} s", flush=True)


def main(title: str, *command: str) -> int:
    """Run the command; return its exit status."""
    line, said = Line(title), []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout
        for text in process.stdout:
            said.append(text)
            if text.strip():
                line.show(text.strip())
    line.end(process.returncode)
    if process.returncode:
        sys.stdout.writelines(said)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
