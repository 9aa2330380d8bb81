"""The whole service on a chain of today: all that happened is told, and nothing twice."""

import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import Question, audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.development.simulator.transactions import Actor
from tests.forked import ForkedService
from tests.rig import heard

CONFIRMATIONS = 3
BLOCKS = 30


def settings(node):
    return {
        "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
        "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
        "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
        "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.02",
        "CRYPITOR__NETWORKS__DEV__START": "0",
    }


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["transaction", "withdrawal", "delegation", "erc20", "native"])
async def test_all_of_a_kind_arrive_and_nothing_else(tmp_path, kind):
    """Each once, though the coin writes logs; over a reorg but for delegations, see `Question`."""
    chain = SimulatedChain(8, withdrawals=(0, 6), coin_logs=True, transfers=(30, 60))
    secrets = []
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        service = ForkedService(tmp_path, settings(node))
        await service.start()
        authorities = [Actor.named(f"8/authority/{number}") for number in range(5)]
        addresses = [one.address for one in (*chain.actors[:20], *authorities)]
        monitor = await service.post(
            "/v1/monitors",
            {
                "name": "New",
                "networks": ["dev"],
                "addresses": addresses,
                "rules": [{"kind": kind}],
                "webhook": {"url": f"{receiver.url}/hook"},
            },
        )
        secrets.append(monitor["webhook"]["secret"])
        question = Question(
            monitor["id"],
            monitor["armed_from"]["dev"] or 0,
            CONFIRMATIONS,
            addresses=frozenset(addresses),
            kinds=frozenset({kind}),
        )
        chain.mine(BLOCKS // 2)
        await service.until_tip("dev", chain.head.number)
        if kind != "delegation":
            chain.reorg(2)
        chain.mine(BLOCKS // 2)
        await service.until_tip("dev", chain.head.number)
        await service.until_nothing_is_due()
        found = audit(chain, [question], heard(receiver), chain.head.number)
        await service.stop()

    assert found.problems == []
    assert found.expected > 10
