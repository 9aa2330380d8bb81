"""Balances through the real Multicall3, on anvil and on geth: drained, refilled, and taken back."""

import json
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from eth_account import Account

from crypitor.development.listen import Receiver
from crypitor.evm.keccak import keccak
from crypitor.evm.multicall import MULTICALL3, coin_of, token_of
from crypitor.worker.node import Node
from tests.live.development import BUILT, CHAIN_IDS, COMMANDS, started
from tests.live.test_anvil import ETHER, watching
from tests.live.test_anvil_state import STORED_IN_0, phases_of, until
from tests.patience import HANG_SECONDS

pytestmark = pytest.mark.live

CODE = (Path(__file__).parents[1] / "data/development/multicall3.hex").read_text().strip()
DEPLOYED = "d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891"
"""Hash of the code at this address on Ethereum and the chains that have it (EXTCODEHASH)."""

DEVELOPER = "71562b71999873db5b286df957af199ec94617f7"
"""The account whose key `geth --dev` has."""

WALLET = Account.from_key("0x" + "47" * 32)
OTHER = "0x" + "0e" * 20


def test_the_code_is_that_of_public_chains():
    """What is put at the address is what stands there."""
    assert keccak(bytes.fromhex(CODE[2:])).hex() == DEPLOYED


@asynccontextmanager
async def with_multicall(kind, folder):
    """A node with the contract at its usual address: set on anvil, in geth's first block."""
    if kind == "anvil":
        async with started(kind, COMMANDS[kind]) as node:
            await node.call("anvil_setCode", MULTICALL3, CODE)
            yield node
        return
    geth = [str(BUILT / "geth/geth"), "--datadir", str(folder)]
    genesis = json.loads(subprocess.check_output([geth[0], "--dev", "dumpgenesis"]))
    genesis["alloc"] |= {
        MULTICALL3[2:]: {"balance": "0x0", "code": CODE},
        DEVELOPER: {"balance": hex(10**9 * ETHER)},  # dumped without it
    }
    written = folder / "genesis.json"
    written.write_text(json.dumps(genesis))
    subprocess.run([*geth, "--verbosity", "1", "init", str(written)], check=True)
    async with started(kind, COMMANDS[kind], "--datadir", str(folder)) as node:
        yield node


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["anvil", "geth"])
async def test_a_wallet_is_drained_and_refilled(tmp_path, kind):
    """Told once when it is empty, and when that has ended; a reorg takes back what it took away."""
    secrets, wallet = [], WALLET.address.lower()
    folder = tmp_path / "node"
    folder.mkdir()
    async with with_multicall(kind, folder) as node, Receiver(lambda: secrets) as receiver:
        assert (await node.call("eth_getCode", MULTICALL3, "latest")).lower() == CODE
        for account in (wallet, OTHER):
            await node.receipt(await node.send(to=account, value=hex(10 * ETHER)))
        chain_id = {"CRYPITOR__NETWORKS__DEV__CHAIN_ID": str(CHAIN_IDS[kind])}
        async with watching(tmp_path, node.url, receiver, secrets, **chain_id) as service:
            rule = {"kind": "balance", "where": "balance < 5 ether", "every_blocks": 1}
            made = await service.post(
                "/v1/monitors",
                {
                    "name": "Hot wallet",
                    "networks": ["dev"],
                    "addresses": [wallet, OTHER],
                    "rules": [rule],
                    "notify": ["detected", "confirmed", "ended", "reverted"],
                    "webhook": {"url": f"{receiver.url}/state"},
                },
            )
            secrets.append(made["webhook"]["secret"])
            await service.until_tip("dev", await node.mine())

            async def drain():
                receipt = await node.signed(WALLET, 2, OTHER, 6 * ETHER)
                return int(receipt["blockNumber"], 16)

            drained = await drain()
            told = {(drained, wallet): ["detected"]}
            await until(receiver, "balance", told)
            await node.burst(3)
            told[drained, wallet] += ["confirmed"]
            await until(receiver, "balance", told)

            await node.receipt(await node.send(to=wallet, value=hex(6 * ETHER)))
            await node.burst(4)
            told[drained, wallet] += ["ended"]
            await until(receiver, "balance", told)

            before = await node.mark()
            again = await drain()
            told[again, wallet] = ["detected"]
            await until(receiver, "balance", told)
            await node.back(before)
            await node.mine()
            told[again, wallet] += ["reverted"]
            await until(receiver, "balance", told)
            await service.until_nothing_is_due()
            matches = (await service.get("/v1/matches?kind=balance&order=asc"))["data"]

    assert [match["phase"] for match in matches] == ["ended", "reverted"]
    assert phases_of(receiver, "balance") == told


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["anvil", "geth"])
async def test_all_is_read_in_one_call(tmp_path, kind):
    """Coins, what a contract returns, and what fails, as each would answer by itself."""
    async with with_multicall(kind, tmp_path) as node:
        made = await node.create(STORED_IN_0)
        block = await node.call("eth_getBlockByNumber", "latest", False)
        reader = Node(node.url, "node", chain_id=CHAIN_IDS[kind],
                      timeout_seconds=HANG_SECONDS, verify="off")  # fmt: skip
        await reader.header(block["hash"])  # the first request checks the chain's id as well
        before = reader.requests
        people = [node.sender.lower(), OTHER, MULTICALL3]
        found = await reader.state(
            block["hash"],
            [*map(coin_of, people), token_of(made, OTHER, None), token_of(OTHER, made, None)],
        )
        requests = reader.requests - before
        await reader.close()
        had = [int(await node.call("eth_getBalance", one, "latest"), 16) for one in people]

    assert [int(value, 16) for value in found[:3]] == had
    assert (found[3], found[4]) == ("0x" + "0" * 64, "0x")
    assert requests == 1
