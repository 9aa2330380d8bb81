"""Ten thousand watched balances of which one in a hundred is touched: what a look at a block costs.

The node is a process of its own: what it takes of the processor is not counted.
"""

import asyncio
import multiprocessing
import tempfile
import time
from functools import partial
from pathlib import Path
from random import Random

import uvloop
from aiohttp import web
from eth_abi import decode, encode

from bench.blocks import addresses
from bench.figures import figure
from crypitor.database.addresses import insert_addresses
from crypitor.database.blocks import BlockEffect, save_blocks
from crypitor.database.engine import Database
from crypitor.database.keys import ensure_project
from crypitor.database.migrate import migrate
from crypitor.database.monitors import insert_monitor
from crypitor.database.networks import lead, position_of
from crypitor.evm.types import Header
from crypitor.gauges.looker import Looker
from crypitor.monitor.models import Kind, Monitor, Phase, rule_of
from crypitor.webhook.message import NetworkTitle
from crypitor.worker import Unobserved
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes

SEED = 9
COUNT, QUICK_COUNT = 10_000, 1_000
TOUCHED_SHARE = 0.01
BLOCKS, QUICK_BLOCKS = 200, 20
NETWORK = "bench"
CHAIN_ID = 1337


def bench(*, quick: bool = False) -> dict:
    """Measure everything."""
    count = QUICK_COUNT if quick else COUNT
    pipe, there = multiprocessing.Pipe()
    node = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    node.start()
    try:
        port = pipe.recv()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_measured(port, count, QUICK_BLOCKS if quick else BLOCKS))
    finally:
        node.kill()
        node.join()


async def _measured(port: int, count: int, blocks: int) -> dict:
    watched = addresses(count, SEED)
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name)}/crypitor.db"
        await migrate(url)
        async with Database.open(url) as database, _nodes(port) as nodes:
            await database.write(partial(_store, watched=watched))
            term = await database.write(lambda tx: lead(tx, NETWORK, CHAIN_ID))
            looker = Looker(
                NETWORK, CHAIN_ID, NetworkTitle("Bench"), nodes, database,
                term=lambda: term, confirmations=12, wake=lambda _: None,
                clock=lambda: time.time_ns() // 1_000_000, observer=_Nobody(),
            )  # fmt: skip
            return await _walk(looker, database, nodes, watched, blocks)


async def _walk(looker, database, nodes, watched, blocks: int) -> dict:
    """Look at block after block; first at all of them."""
    chain = _Chain(database)
    await chain.add([])
    while await looker.step():
        pass
    first = len(watched) // 1000 + 1
    for _ in range(first):
        await chain.add([])
        while await looker.step():
            pass
    few = max(1, int(len(watched) * TOUCHED_SHARE))
    taken, lasted, asked = [], [], []
    random = Random(SEED)
    for _ in range(len(watched) // few):  # until what was looked at is in memory, as it soon is
        await chain.add(random.sample(watched, few))
        await looker.step()
    for _ in range(blocks):
        await chain.add(random.sample(watched, few))
        before, began, cpu = nodes.requests, time.perf_counter(), time.process_time()
        await looker.step()
        taken.append((time.process_time() - cpu) * 1000)
        lasted.append((time.perf_counter() - began) * 1000)
        asked.append(nodes.requests - before)
    return {
        "balances": len(watched),
        "touched": few,
        "processor": figure(taken, "ms"),
        "time": figure(lasted, "ms"),
        "requests": figure(asked, "a block"),
    }


class _Chain:
    """Headers as the matcher stores them, each with what it touched."""

    def __init__(self, database) -> None:
        self._database = database
        self._number = 0

    async def add(self, touched) -> None:
        self._number += 1
        number = self._number
        header = Header(number, f"0x{number:064x}", f"0x{number - 1:064x}", 1_800_000_000 + number)

        async def unit(tx):
            position = await position_of(tx, NETWORK, 64)
            effect = BlockEffect(
                network=NETWORK, chain_id=CHAIN_ID, title=NetworkTitle("Bench"),
                sequence=position.sequence + 1, header=header,
                ancestor_number=number - 1 if number > 1 else None, matches=[], safe=None,
                finalized=None, oldest_kept=number - 64, now=0, touched=touched,
            )  # fmt: skip
            await save_blocks(tx, [effect], position.sequence)

        await self._database.write(unit)


async def _store(tx, watched) -> None:
    project = await ensure_project(tx, 1, bytes)
    rule = rule_of(Kind.BALANCE, where="balance < 5 ether", every_seconds=3600)
    monitor = Monitor(
        "mo_1", project, "Balances", (NETWORK,), (rule,), False, (), frozenset(Phase), None, (),
        "", True, 1, 1,
    )  # fmt: skip
    await insert_monitor(tx, monitor)
    await insert_addresses(tx, monitor.id, [(address, None) for address in watched])


def _nodes(port: int) -> Nodes:
    node = Node(
        f"http://127.0.0.1:{port}", "node", chain_id=CHAIN_ID, timeout_seconds=60.0, verify="off"
    )
    return Nodes(NETWORK, [node], observer=Unobserved())


class _Nobody:
    def looked(self, *_) -> None:
        """Take the place of the metrics."""


def _serve(pipe) -> None:
    """Answer Multicall3 with balances that change with the block."""

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        calls = body if isinstance(body, list) else [body]
        answers = [{"jsonrpc": "2.0", "id": call["id"], **_answer(call)} for call in calls]
        return web.json_response(answers if isinstance(body, list) else answers[0])

    async def serve() -> None:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pipe.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(serve())


def _answer(call) -> dict:
    if call["method"] not in ("eth_chainId", "eth_call"):
        return {"error": {"code": -32601, "message": "the method does not exist"}}
    return {"result": _result(call)}


def _result(call) -> str:
    if call["method"] == "eth_chainId":
        return hex(CHAIN_ID)
    request, block = call["params"]
    [reads] = decode(["(address,bool,bytes)[]"], bytes.fromhex(request["data"][10:]))
    number = int(block["blockHash"], 16)
    each = [
        (True, ((data[-1] * 10**17 + number * 10**15) % 10**19).to_bytes(32)) for *_, data in reads
    ]
    return "0x" + encode(["(bool,bytes)[]"], [each]).hex()
