"""A service that starts in a tenth of the time: forked from a process that has imported it already.

It is a process of its own, to be asked and killed like any other. How one starts from nothing is
shown by test_service, test_cli and test_demo.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.rig import Service

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["crypitor.cli", "crypitor.process.app", "crypitor.worker.transport", "alembic.command"]
)


class ForkedService(Service):
    """`crypitor run` without the second that its imports take."""

    async def _begin(self, words: Sequence[str]) -> "_Forked":
        process = _context.Process(
            target=_run, args=(words, self.folder, self.environ, self.log), daemon=True
        )
        await asyncio.to_thread(process.start)
        return _Forked(process)


class _Forked:
    """What a rig asks of a process, as asyncio's own have it."""

    def __init__(self, process) -> None:
        self._process = process

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, sign: signal.Signals) -> None:
        os.kill(self._process.pid, sign)

    async def wait(self) -> int:
        ended, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        return self._process.exitcode


def _run(words: Sequence[str], folder: Path, environ: dict[str, str], log: Path) -> None:
    """Be what `python -m crypitor` is in this folder, with this environment."""
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    sys.argv = ["crypitor", *words]
    from crypitor.cli import main

    main()
