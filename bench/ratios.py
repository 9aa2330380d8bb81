"""How many times as much the two references take of the processor, for the same matches.

All three go from a node's bytes to webhooks that were taken: the product through its in-process
queue and SQLite with a million addresses, the references through a Kafka broker, as the original.
They take turns, and must find the same.
"""

import asyncio
import tempfile
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import structlog
import uvloop

from bench import inputs, lite, naive, path
from bench.broker import broker
from bench.figures import figure, ratio
from bench.receiver import receiver
from bench.reference import made_tables
from crypitor.monitor.models import Phase
from crypitor.webhook.post import Poster

ADDRESSES = 1_000_000
ROUNDS = 5
OURS, LITES, NAIVES = 96, 6, 2
"""Blocks of each in a round."""

MONITOR = replace(path.MONITOR, notify=frozenset({Phase.DETECTED}))


def bench(*, quick: bool = False) -> dict:
    """Measure the three in turn."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_measured(10_000 if quick else ADDRESSES, 1 if quick else ROUNDS))


async def _measured(count: int, rounds: int) -> dict:
    blocks = inputs.chain(inputs.MAINNET, OURS)
    addresses = inputs.watched_addresses(count)
    index, listed = path.index_of(addresses, MONITOR), dict.fromkeys(addresses, 1)
    taken: dict[str, list[float]] = {"ours": [], "lite": [], "naive": []}
    async with receiver() as url, broker() as servers:
        with tempfile.TemporaryDirectory() as folder:
            tables = Path(folder) / "tables.db"
            made_tables(tables, addresses)
            for number in range(rounds):
                simple = await naive.run(
                    blocks[: NAIVES + 1], tables, servers, f"naive{number}", url
                )
                better = await lite.run(
                    blocks[: LITES + 1], listed, tables, servers, f"lite{number}", url
                )
                ours = await _ours(blocks, index, url)
                _require_same(blocks, ours, better, simple)
                for name, spent in (("ours", ours), ("lite", better), ("naive", simple)):
                    taken[name].append(spent.ms_a_block)
    return {
        **{name: figure(values, "ms a block") for name, values in taken.items()},
        "naive / ours": ratio(taken["naive"], taken["ours"]),
        "lite / ours": ratio(taken["lite"], taken["ours"]),
    }


def _require_same(blocks, ours, better, simple) -> None:
    for other in (better, simple):
        hashes = {block.hash for block in blocks[1 : other.blocks + 1]}
        assert other.matches == {match for match in ours.matches if match[0] in hashes}
        assert other.matches


async def _ours(blocks, index, url: str) -> path.Run:
    """Catch up, with the sender beside it, until all is sent."""
    with tempfile.TemporaryDirectory() as folder:
        database_url = await path.prepared(Path(folder), MONITOR, endpoint=url)
        async with Poster(allow_private=[ip_network("127.0.0.0/8")]) as poster:
            return await path.catch_up(database_url, blocks, index, poster=poster)
