"""EthereumJS under a consensus client of our own: the engine API, by which it makes a block when told.

By itself (`--dev poa`) version 0.10.5 makes blocks and puts no transaction into any of them. Source of
the methods: ethereum/execution-apis, engine/cancun.md.
"""

import asyncio
import json
import secrets
import time
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from eth_account import Account

from tests.live.development import CHAIN_IDS, COMMANDS, DevelopmentNode, started
from tests.live.test_anvil import WATCHED
from tests.patience import HANG_SECONDS
from tests.ports import free_port

KIND = "ethereumjs"
FORKS = (
    "homesteadBlock", "eip150Block", "eip155Block", "eip158Block", "byzantiumBlock",
    "constantinopleBlock", "petersburgBlock", "istanbulBlock", "berlinBlock", "londonBlock",
    "mergeNetsplitBlock", "shanghaiTime", "cancunTime",
)  # fmt: skip
CHAIN_ID = CHAIN_IDS[KIND]
SENDER = Account.from_key("0x" + "44" * 32)

_ZERO, _BEACON = "0x" + "00" * 32, "0x" + "22" * 32


_COMMAND = [
    "node", "node_modules/@ethereumjs/client/dist/esm/bin/cli.js", "--rpc", "--rpcPort", "{port}",
    "--maxPeers", "0", "--discV4", "false", "--discDns", "false", "--port", "{free}",
    "--rpcEngine", "--rpcEngineAuth", "false", "--saveReceipts", "--ws",
]  # fmt: skip

KINDS = [*COMMANDS, KIND]
"""All nodes that mine each transaction at once, of themselves or driven."""


@asynccontextmanager
async def running(kind, port=None):
    """One of these nodes with a chain of its own."""
    if kind != KIND:
        async with started(kind, COMMANDS[kind], port=port) as node:
            yield node
        return
    engine, heads = free_port(), free_port()
    with TemporaryDirectory() as folder:
        genesis = Path(folder, "genesis.json")
        genesis.write_text(json.dumps(_genesis()), encoding="utf-8")
        options = (
            "--gethGenesis", str(genesis), "--dataDir", folder,
            "--rpcEnginePort", str(engine), "--wsPort", str(heads),
        )  # fmt: skip
        async with started(kind, _COMMAND, *options, port=port, make=DrivenNode) as node:
            node.engine_url = f"http://127.0.0.1:{engine}"
            node.sender = SENDER.address.lower()
            node.ws_url = f"ws://127.0.0.1:{heads}"
            await node.mine()  # until then it says that it does not know how high the chain is
            yield node


class DrivenNode(DevelopmentNode):
    """Makes a block for each transaction that is sent, and takes blocks back by a fork choice."""

    def __init__(self, kind, url):
        super().__init__(kind, url)
        self.engine_url = self.ws_url = None

    def at(self, scheme):
        return self.ws_url if scheme == "ws" else self.url

    @property
    def takes_withdrawals(self):
        return True

    async def call(self, method, *params):
        if method != "eth_sendRawTransaction":
            return await super().call(method, *params)
        # It takes the transaction, and then says that it has no peer to tell, or stumbles over a blob.
        with suppress(AssertionError):
            await super().call(method, *params)
        await self.mine()
        return None

    async def send(self, **transaction):
        """Sign and mine a transaction; return its hash. The node has no accounts of its own."""
        value, gas = (
            int(transaction.pop("value", "0x0"), 16),
            int(transaction.pop("gas", "0xf4240"), 16),
        )
        to = transaction.pop("to", None)
        receipt = await self.signed(SENDER, 2, to, value, gas=gas, fails=True, **transaction)
        return receipt["transactionHash"]

    async def mine(self, withdrawals=()):
        head = await super().call("eth_getBlockByNumber", "latest", False)
        attributes = {
            "timestamp": hex(max(int(head["timestamp"], 16) + 1, int(time.time()))),
            # With another's attributes it would give that block once more, if it was taken back.
            "prevRandao": "0x" + secrets.token_hex(32),
            "suggestedFeeRecipient": "0x" + "cc" * 20,
            "withdrawals": list(withdrawals),
            "parentBeaconBlockRoot": _BEACON,
        }
        begun = await self._choose(head["hash"], attributes)
        made = await self._engine("engine_getPayloadV3", begun["payloadId"])
        payload = made["executionPayload"]
        hashes = [
            "0x01" + sha256(bytes.fromhex(one[2:])).hexdigest()[2:]
            for one in made["blobsBundle"]["commitments"]
        ]
        taken = await self._engine("engine_newPayloadV3", payload, hashes, _BEACON)
        assert taken["status"] == "VALID", taken
        await self._choose(payload["blockHash"])
        return int(payload["blockNumber"], 16)

    async def burst(self, blocks):
        for _ in range(blocks):
            await self.mine()

    async def mark(self):
        return (await super().call("eth_getBlockByNumber", "latest", False))["hash"]

    async def back(self, mark):
        await self._choose(mark)

    async def withdraw(self):
        await self.mine(
            [{"index": "0x0", "validatorIndex": "0x7", "address": WATCHED, "amount": "0x5"}]
        )

    async def _choose(self, head, attributes=None):
        """Make a block the head, as soon as the node has looked at it; begin one on it if asked to."""
        async with asyncio.timeout(HANG_SECONDS):
            while True:
                chosen = await self._engine("engine_forkchoiceUpdatedV3", _state(head), attributes)
                if chosen["payloadStatus"]["status"] == "VALID":
                    return chosen
                await asyncio.sleep(0.02)

    async def _engine(self, method, *params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.engine_url, json=request) as answer,
        ):
            answered = await answer.json()
        assert "error" not in answered, answered
        return answered["result"]


def _state(head):
    """A fork choice by which `safe` is the head, and nothing but block 0 is final."""
    return {"headBlockHash": head, "safeBlockHash": head, "finalizedBlockHash": _ZERO}


def _genesis():
    """A beginning of its own for each chain: what only a new one can have stands in extraData."""
    return {
        "config": {
            "chainId": CHAIN_ID,
            **dict.fromkeys(FORKS, 0),
            "terminalTotalDifficulty": 0,
            "terminalTotalDifficultyPassed": True,
        },
        "timestamp": hex(int(time.time()) - 30),
        "gasLimit": "0x1c9c380",
        "extraData": "0x" + secrets.token_hex(8),
        "alloc": {SENDER.address: {"balance": hex(10**24)}},
        **dict.fromkeys(("difficulty", "nonce", "number", "gasUsed"), "0x0"),
        **dict.fromkeys(("mixHash", "parentHash"), _ZERO),
        "coinbase": "0x" + "00" * 20,
        "baseFeePerGas": "0x7",
    }
