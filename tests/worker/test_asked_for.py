"""What docs/networks.md says that a block costs at a node, for those who pay for requests or calls."""

import re
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tests.worker.following import Rig

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
LEVELS = ("off", "logs", "receipts")
BLOCKS = 4


def told():
    """(transport, what is followed) → for each level (requests, calls), as the table has them."""
    section = PAGE.read_text().split("## What a node is asked for\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (HTTP|WebSocket) \| ([^|]+) \| (.+) \|$", section, re.MULTILINE)
    return {
        (transport, followed): [tuple(map(int, cell.split(" / "))) for cell in cells.split(" | ")]
        for transport, followed, cells in rows
    }


OPTIONS = {
    "any rule": {"tags_wanted": lambda: False},
    "and `safe` or `finalized`": {},
    "and traces": {"tags_wanted": lambda: False, "traces": "debug"},
}
"""What each row of the table is for a follower."""


async def calls(server):
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/_/stats") as answer:
        return Counter((await answer.json())["requests"])


def test_the_table_has_every_row():
    """Each transport with everything that makes a difference, at each level."""
    assert told().keys() == {(way, row) for way in ("HTTP", "WebSocket") for row in OPTIONS}
    assert {len(cells) for cells in told().values()} == {len(LEVELS)}


@pytest.mark.parametrize("row", OPTIONS)
@pytest.mark.parametrize("verify", LEVELS)
async def test_a_block_at_the_head_takes_the_requests_and_calls_of_the_table(
    database, chain, server, faulty, verify, row
):
    """Over HTTP, where requests can be counted."""
    async with Rig(database, faulty.url, verify=verify, **OPTIONS[row]) as rig:
        await rig.settle()
        faulty.posts.clear()
        before = await calls(server)
        for _ in range(BLOCKS):
            chain.mine(1)
            rig.clock.now += 12_000
            await rig.settle()
        asked = await calls(server) - before

    requests, each = told()["HTTP", row][LEVELS.index(verify)]
    assert (len(faulty.posts), asked.total()) == (BLOCKS * requests, BLOCKS * each)
    assert asked["eth_getBlockReceipts"] == BLOCKS


@pytest.mark.parametrize("row", OPTIONS)
@pytest.mark.parametrize("verify", LEVELS)
async def test_over_websocket_the_calls_are_those_of_the_table(
    database, chain, server, verify, row
):
    """They are the same; that there is a block comes by itself."""
    async with Rig(database, server.ws_url, verify=verify, **OPTIONS[row]) as rig:
        await rig.settle()
        before = await calls(server)
        for _ in range(BLOCKS):
            chain.mine(1)
            rig.clock.now += 12_000
            await rig.settle()
        asked = await calls(server) - before

    assert asked.total() == BLOCKS * told()["WebSocket", row][LEVELS.index(verify)][1]
