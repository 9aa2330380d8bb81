"""Work that ends itself as kill -9 does, at each of its steps in turn, each time in a folder anew.

A step is whatever is done to a file of the folder, and each statement to a database. Run as
`python -m tests.killed WORK TEMPLATE INTO`: folders INTO/1, INTO/2, … are what the kills left, and
INTO/done what is there when nobody kills.
"""

import asyncio
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crypitor.database.copying import copy
from crypitor.database.migrate import migrate
from crypitor.database.restoring import restore

DATABASE, COPY = "crypitor.db", "copy.db"
MOST = 5000


def _restore(folder: Path) -> None:
    asyncio.run(restore(folder / COPY, folder / DATABASE, secrets.token_bytes, now=0))


def _backup(folder: Path) -> None:
    copy(folder / DATABASE, folder / COPY)


def _migrate(folder: Path) -> None:
    asyncio.run(migrate(f"sqlite:///{folder / DATABASE}"))


WORKS: dict[str, Callable[[Path], None]] = {
    "restore": _restore, "backup": _backup, "migrate": _migrate,
}  # fmt: skip


def left_by_kills(work: str, template: Path, into: Path) -> list[Path]:
    """Return a folder for each step before which a process was killed, in their order."""
    command = [sys.executable, "-m", "tests.killed", work, str(template), str(into)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[1])
    return sorted(
        (path for path in into.iterdir() if path.name != "done"), key=lambda p: int(p.name)
    )


def _main(work: str, template: Path, into: Path) -> None:
    into.mkdir()
    warm = into / "done"
    shutil.copytree(template, warm)
    _finished(WORKS[work], warm, None)  # imports what it needs, for those that are forked
    for step in range(1, MOST):
        folder = into / str(step)
        shutil.copytree(template, folder)
        if _finished(WORKS[work], folder, step):
            shutil.rmtree(folder)
            return
    raise SystemExit(f"more than {MOST} steps")


def _finished(work: Callable[[Path], None], folder: Path, step: int | None) -> bool:
    """Run it in a process that ends before a step; tell whether it came to its end."""
    if step is None:
        work(folder)
        return True
    child = os.fork()
    if child == 0:
        try:
            _die_before(step, folder)
            work(folder)
        except BaseException:  # noqa: BLE001 - a fork must not go on as its parent
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    if os.WEXITSTATUS(status):
        raise SystemExit(f"{folder}: failed")
    return True


def _die_before(step: int, folder: Path) -> None:
    left = step

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if event.partition(".")[0] in ("open", "os", "shutil") and any(
            str(folder) in str(argument) for argument in arguments
        ):
            count()

    connect = sqlite3.connect

    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = connected
    sys.addaudithook(hear)


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
