"""What docs/networks.md says that a block costs at a node, for those who pay for requests or calls."""

import re
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from bench import inputs
from bench.path import Memory
from crypitor.evm.multicall import coin_of
from crypitor.monitor.models import Kind, Rule
from crypitor.monitor.needed import Needed
from crypitor.worker.node import Node
from tests.monitor.test_match import A, watching
from tests.patience import HANG_SECONDS
from tests.worker.following import NETWORK, Rig

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
LEVELS = ("off", "logs", "receipts")
BLOCKS = 3
KB_SHARE = 0.03
"""By so much blocks of the same number of transactions and logs differ in size."""


def told():
    """(transport, what is followed) → for each level (requests, calls, kB), as the table has them."""
    section = PAGE.read_text().split("## What a node is asked for\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (HTTP|WebSocket) \| ([^|]+) \| (.+) \|$", section, re.MULTILINE)
    return {
        (transport, followed): [tuple(map(int, cell.split(" / "))) for cell in cells.split(" | ")]
        for transport, followed, cells in rows
    }


class Counting(Memory):
    """A node of mainnet-like blocks, over HTTP and WebSocket, that counts what it is asked for."""

    def __init__(self, blocks):
        super().__init__(blocks[:2])
        self._whole = blocks
        self.requests = self.calls = self.bytes = 0

    def mine(self):
        self._blocks = self._whole[: len(self._blocks) + 1]

    def forget(self):
        self.requests = self.calls = self.bytes = 0

    def answer(self, body):
        self.requests += 1
        answer = super().answer(body)
        self.bytes += len(answer)
        return answer

    def _result(self, asked):
        self.calls += 1
        if asked.method == "eth_getBalance":
            return b'"0x1"'
        if asked.method == "debug_traceBlockByHash":
            return self._frames(self._by_hash_of_all(asked.params[0]))
        return super()._result(asked)

    def _by_hash_of_all(self, block_hash):
        return next(block for block in self._whole if block.hash == block_hash)

    @staticmethod
    def _frames(block):
        """The least that a node tells: one call for each transaction."""
        same = ("from", "to", "value", "gas", "input")
        return msgspec.json.encode(
            [
                {
                    "txHash": one["hash"],
                    "result": {
                        "type": "CALL" if one["to"] else "CREATE", "gasUsed": "0x5208", "output": "0x",
                        **{name: one[name] for name in same},
                    },
                }
                for one in msgspec.json.decode(block.block)["transactions"]
            ]
        )  # fmt: skip

    async def serve(self, request):
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(
                body=self.answer(await request.read()), content_type="application/json"
            )
        socket = web.WebSocketResponse(max_msg_size=1 << 26, compress=False)
        await socket.prepare(request)
        async for message in socket:
            await socket.send_frame(self.answer(message.data.encode()), WSMsgType.TEXT)
        return socket


@pytest.fixture(scope="module")
def blocks():
    """Blocks of 200 transactions and 500 logs on an empty one."""
    return inputs.chain(inputs.MAINNET, BLOCKS + 1, contents=BLOCKS + 1)


@asynccontextmanager
async def counting(blocks):
    node = Counting(blocks)
    application = web.Application(client_max_size=1 << 26)
    application.router.add_route("*", "/", node.serve)
    async with TestServer(application) as server:
        yield node, server.port


def natives(blocks, count):
    """The hashes of the first payments of each block."""
    return [
        one["hash"]
        for block in blocks
        for one in [
            each
            for each in msgspec.json.decode(block.block)["transactions"]
            if each["value"] != "0x0" and each["to"]
        ][:count]
    ]


def asking(*rules, **monitor):
    return watching(networks=(NETWORK,), rules=rules, any_address=True, **monitor)


LOGS = asking(Rule(Kind.NATIVE), Rule(Kind.ERC20))
ROWS = {
    "any rule": (lambda _: LOGS, {}),
    "only rules without logs": (lambda _: asking(Rule(Kind.NATIVE, where="amount > 2**255")), {}),
    "only these, and 3 transactions match": (
        lambda blocks: asking(
            Rule(Kind.NATIVE, where=f"transaction.hash in [{', '.join(natives(blocks, 3))}]")
        ),
        {},
    ),
    "only these, and more than 8 match": (lambda _: asking(Rule(Kind.NATIVE)), {}),
    "any rule, and `safe` or `finalized`": (lambda _: LOGS, {"tags_wanted": lambda: True}),
    "any rule, and traces": (lambda _: LOGS, {"traces": "debug"}),
    "any rule, and a balance or a view that is due": (
        lambda _: asking(Rule(Kind.NATIVE), Rule(Kind.BALANCE)), {}
    ),
}  # fmt: skip
"""What each row of the table is: the index, and what else is set."""


def test_the_table_has_every_row():
    """Each transport with everything that makes a difference, at each level."""
    assert told().keys() == {(way, row) for way in ("HTTP", "WebSocket") for row in ROWS}
    assert {len(cells) for cells in told().values()} == {len(LEVELS)}


@pytest.mark.parametrize("way", ["HTTP", "WebSocket"])
@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("verify", LEVELS)
async def test_a_block_at_the_head_takes_what_the_table_says(database, blocks, way, verify, row):
    """Requests, calls and kilobytes, of blocks as large as the table's."""
    index_of, options = ROWS[row]
    looks = "due" in row
    async with counting(blocks) as (node, port):
        url = f"{'http' if way == 'HTTP' else 'ws'}://127.0.0.1:{port}/"
        needed = Needed(index_of(blocks), NETWORK, inputs.CHAIN_ID)
        async with (
            Rig(
                database, url, chain_id=inputs.CHAIN_ID, verify=verify, needed=needed,
                **{"tags_wanted": lambda: False, **options},
            ) as rig,
            Node(
                url, "aside", chain_id=inputs.CHAIN_ID, timeout_seconds=HANG_SECONDS, verify=verify
            ) as aside,
        ):  # fmt: skip
            await rig.settle()
            await aside.header_at("latest")  # whichever chain it is, is asked once
            node.forget()
            for _ in range(BLOCKS):
                node.mine()
                rig.clock.now += 12_000
                await rig.settle()
                if looks:
                    tip = rig.consumer.taken[-1].block.header
                    await aside.state(tip.hash, [coin_of(A)])

    requests, calls, kb = told()[way, row][LEVELS.index(verify)]
    assert (node.requests, node.calls) == (BLOCKS * requests, BLOCKS * calls)
    assert node.bytes / BLOCKS / 1000 == pytest.approx(kb, rel=KB_SHARE)


def test_few_bytes_where_nobody_asks_about_logs():
    """What made it worth while: at most 0.4 times the bytes, also where something matches."""
    for way in ("HTTP", "WebSocket"):
        rows = {row: told()[way, row][0][2] for row in ROWS}

        assert rows["only rules without logs"] < 0.4 * rows["any rule"]
        assert rows["only these, and 3 transactions match"] < 0.4 * rows["any rule"]
