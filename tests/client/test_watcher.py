"""The documentation's deposit watcher, run as its reader would, and killed."""

import asyncio
import os
import re
import sqlite3
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from crypitor.database.events import NewEvent, log_events
from tests.api.rows import insert_match
from tests.patience import HANG_SECONDS

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
PROGRAM = re.search(r"```python watcher\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
LOOK_SECONDS = 0.02


class Watched:
    """A watcher's process and its database."""

    def __init__(self, folder, api):
        self.path = folder / "deposits.db"
        self._program = folder / "watcher.py"
        self._program.write_text(PROGRAM)
        self._environ = {
            **os.environ,
            "CRYPITOR_URL": api.url,
            "CRYPITOR_KEY": api.admin,
            "STORE": str(self.path),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }

    @asynccontextmanager
    async def running(self):
        """Let it run; it is killed at the end, wherever it is."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, self._program, env=self._environ
        )
        try:
            yield process
        finally:
            assert process.returncode is None, "it ended by itself"
            process.kill()
            await process.wait()

    def rows(self, query):
        if not self.path.exists():
            return []
        database = sqlite3.connect(self.path)
        try:
            return database.execute(query).fetchall()
        except sqlite3.OperationalError:  # no table yet
            return []
        finally:
            database.close()

    async def until(self, query, enough):
        async with asyncio.timeout(HANG_SECONDS):
            while not enough(self.rows(query)):
                await asyncio.sleep(LOOK_SECONDS)


async def tell(api, match, *types):
    news = [
        NewEvent(api.project, kind, 1_790_000_000_000 + n, match_id=match, confirmations=n)
        for n, kind in enumerate(types)
    ]
    await api.context.database.write(lambda tx: log_events(tx, news))
    api.context.events.wake()


def test_it_is_as_short_as_it_is_said_to_be():
    """Forty lines."""
    lines = [line for line in PROGRAM.splitlines() if line.strip()]

    assert len(lines) <= 40


async def test_it_survives_kills_and_reorgs(api, tmp_path):
    """
    Killed at any time and told of reorgs, it has each deposit once, in the state that was told last.
    """
    stop = asyncio.Event()
    following = asyncio.create_task(api.context.events.run(stop, api.health))
    watched = Watched(tmp_path, api)
    ids = [
        await api.context.database.write(lambda tx, n=n: insert_match(tx, api.project, n))
        for n in range(1, 42)
    ]
    before, *ids = ids
    await tell(api, before, "match.detected")
    async with watched.running():
        await watched.until("select cursor from place", len)
        await tell(api, ids[0], "match.detected")
        await watched.until("select id from deposits", len)
    first = watched.rows("select id, amount, state from deposits")

    expected = {ids[0]: "credited"}
    await tell(api, ids[0], "match.confirmed")
    for number, match in enumerate(ids[1:]):
        if number % 3 == 0:
            await tell(api, match, "match.detected", "match.reverted")
            expected[match] = "void"
        elif number % 3 == 1:
            await tell(api, match, "match.detected", "match.confirmed", "match.reverted")
            expected[match] = "void"
        else:
            await tell(api, match, "match.detected", "match.confirmed")
            expected[match] = "credited"
        if number % 13 == 5:
            async with watched.running():
                seen = len(watched.rows("select id from deposits"))
                await watched.until("select id from deposits", lambda rows, s=seen: len(rows) > s)
    async with watched.running():
        wanted = sorted(expected.items())
        await watched.until("select id, state from deposits", lambda rows: sorted(rows) == wanted)

    assert first == [(ids[0], "123100", "pending")]
    assert before not in expected
    stop.set()
    await following
