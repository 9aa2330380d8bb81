"""Balances and views on a real node: drained, confirmed, refilled, drained again, and a reorg."""

import asyncio

import pytest

from crypitor.development.listen import Receiver
from tests.live.test_anvil import ETHER, anvil, watching
from tests.patience import HANG_SECONDS
from tests.rig import heard

pytestmark = pytest.mark.live

HALF = 5_000 * ETHER
STORED_IN_0 = "5f545f5260205ff3"
"""Code that returns what stands in slot 0, whatever it is called with: sload, mstore, return."""


def phases_of(receiver, kind):
    """What was told of each match of a kind: phases in order, by block."""
    found = {}
    for one in heard(receiver):
        data = one.json["data"]
        if data["kind"] == kind:
            key = (data["block"]["number"], data["address"] or data["contract"]["address"])
            found.setdefault(key, []).append(one.json["type"].removeprefix("match."))
    return found


async def until(receiver, kind, wanted):
    """Wait until what was told of a kind is this."""
    async with asyncio.timeout(HANG_SECONDS):
        while phases_of(receiver, kind) != wanted:
            await asyncio.sleep(0.05)


async def test_a_wallet_is_drained_and_refilled(tmp_path):
    """Told once when it is empty, and when that has ended; a reorg takes back what it took away."""
    secrets = []
    async with anvil() as node, Receiver(lambda: secrets) as receiver:
        accounts = [account.lower() for account in await node.call("eth_accounts")]
        wallet, other = accounts[1], accounts[2]
        view = await node.deploy(STORED_IN_0)
        async with watching(tmp_path, node.url, receiver, secrets) as service:
            made = await service.post(
                "/v1/monitors",
                {
                    "name": "Hot wallet",
                    "networks": ["dev"],
                    "addresses": [wallet, other],
                    "rules": [
                        {"kind": "balance", "where": "balance < 5000 ether", "every_blocks": 1000},
                        {
                            "kind": "view",
                            "contracts": [view],
                            "signature": "function level() view returns (uint256)",
                            "where": "result > 5",
                            "every_blocks": 1,
                        },
                    ],
                    "notify": ["detected", "confirmed", "ended", "reverted"],
                    "webhook": {"url": f"{receiver.url}/state"},
                },
            )
            secrets.append(made["webhook"]["secret"])

            async def pay(sender, target):
                await node.send(**{"from": sender, "to": target, "value": hex(6_000 * ETHER)})
                return await node.mine()

            await service.until_tip("dev", await node.mine())
            drained = await pay(wallet, accounts[3])
            told = {(drained, wallet): ["detected"]}
            await until(receiver, "balance", told)
            for _ in range(2):
                await node.mine()
            told[drained, wallet] += ["confirmed"]
            await until(receiver, "balance", told)

            await pay(accounts[3], wallet)
            for _ in range(3):
                await node.mine()
            told[drained, wallet] += ["ended"]
            await until(receiver, "balance", told)

            again = await pay(wallet, accounts[4])
            told[again, wallet] = ["detected"]
            await until(receiver, "balance", told)
            await node.call("anvil_reorg", 1, [])
            await node.mine()
            told[again, wallet] += ["reverted"]
            await until(receiver, "balance", told)

            await node.call("anvil_setStorageAt", view, "0x0", f"0x{7:064x}")
            await node.mine()
            async with asyncio.timeout(HANG_SECONDS):
                # anvil changes the state of its newest block, which may not have been looked at
                while list(phases_of(receiver, "view").values()) != [["detected"]]:
                    await asyncio.sleep(0.05)

            matches = (await service.get("/v1/matches?kind=balance&order=asc"))["data"]
            assert [match["phase"] for match in matches] == ["ended", "reverted"]
            assert int(matches[0]["ended"]["balance"]["value"]) > HALF
            before, now = matches[1]["looked_at"]
            assert before["number"] < now["number"] == again
