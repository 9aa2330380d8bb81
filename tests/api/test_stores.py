"""The API over a SQLite file that cannot be written, or is not there any more."""

import asyncio
import subprocess
import sys
import time

from crypitor.database.sqlite import path_of
from tests.database.test_sqlite import HOLDER

HOOK = {"url": "https://example.com/hook"}


async def test_a_held_lock_answers_503_to_all_who_write_and_nothing_is_kept(api, database_url):
    """Monitors, which change in turn, and endpoints; each is told at about the same time."""
    writes = [("/v1/monitors", {"networks": ["dev"]}), ("/v1/endpoints", HOOK)] * 6
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path_of(database_url))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        await asyncio.to_thread(holder.stdout.readline)
        began = time.monotonic()
        answers = await asyncio.gather(
            *(api.call("POST", path, json=body) for path, body in writes)
        )
        took = time.monotonic() - began
        readable, _ = await api.call("GET", "/v1/monitors")
        await asyncio.to_thread(holder.communicate)
    _, monitors = await api.call("GET", "/v1/monitors")
    made = await api.made("/v1/monitors", {"networks": ["dev"]})

    assert [answer.status for answer, _ in answers] == [503] * 12
    assert answers[0][0].headers["Retry-After"]
    assert took < 25, "each waited for as long as the first"
    assert (readable.status, monitors["data"]) == (200, [])
    assert made["id"].startswith("mo_")


async def test_a_file_that_is_gone_makes_it_not_ready_and_refuses_writes(api, database_url):
    """Never 201: a restart would not have it. Put back, all is well."""
    path = path_of(database_url)
    away = path.with_name("away")
    path.rename(away)
    async with asyncio.timeout(30):
        while (told := await api.call("GET", "/readyz"))[0].status == 200:
            pass
    ready, told = told
    made, _ = await api.call("POST", "/v1/endpoints", json=HOOK)
    away.rename(path)
    ready_again, _ = await api.call("GET", "/readyz")

    assert (ready.status, made.status, ready_again.status) == (503, 503, 200)
    assert "was deleted or moved away" in told["troubles"]["database"]
