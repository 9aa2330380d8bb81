"""The whole service with traces: everything that moved inside transactions is told, and no more."""

import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import Question, audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.quirks import Quirk
from crypitor.development.simulator.rpc import SimulatorServer
from tests.forked import ForkedService
from tests.rig import heard

CONFIRMATIONS = 3
BLOCKS = 40


@pytest.mark.parametrize("traces", ["debug", "trace", "logs"])
async def test_internal_transfers_arrive_as_they_happened(tmp_path, traces):
    """
    In every way, over reorgs, and none besides: reverted parts and the native transfers.
    """
    chain = SimulatedChain(8, coin_logs=traces == "logs")
    found, status = await told(tmp_path, chain, ["internal"], TRACES=traces)

    assert found.problems == []
    assert found.expected > BLOCKS
    assert status == 0


@pytest.mark.parametrize(
    "quirk, coin",
    [
        (Quirk.COIN_LOGS, "eip7708"),
        (Quirk.ZKSYNC_COIN, "zksync"),
        (Quirk.BOR_COIN, "bor"),
    ],
)
async def test_one_payment_is_one_match_where_the_coin_speaks(tmp_path, quirk, coin):
    """Never a token beside it, at the top or inside, and none for fees and refunds."""
    chain = SimulatedChain(9, transfers=(10, 20), quirks=[quirk])
    kinds = ["native", "internal", "erc20"]
    found, status = await told(tmp_path, chain, kinds, TRACES="logs", COIN_LOGS=coin)

    assert found.problems == []
    assert found.expected > BLOCKS
    assert status == 0


async def told(tmp_path, chain, kinds, **settings):
    """What was told of these kinds over a reorg, held against what happened."""
    secrets = []
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        service = ForkedService(
            tmp_path,
            {
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
                "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.02",
                **{f"CRYPITOR__NETWORKS__DEV__{key}": value for key, value in settings.items()},
                "CRYPITOR__NETWORKS__DEV__START": "0",
            },
        )
        await service.start()
        addresses = [actor.address for actor in chain.actors[:40]]
        monitor = await service.post(
            "/v1/monitors",
            {
                "name": "Inside",
                "networks": ["dev"],
                "addresses": addresses,
                "rules": [{"kind": kind} for kind in kinds],
                "webhook": {"url": f"{receiver.url}/hook"},
            },
        )
        secrets.append(monitor["webhook"]["secret"])
        question = Question(
            monitor["id"],
            monitor["armed_from"]["dev"] or 0,
            CONFIRMATIONS,
            addresses=frozenset(addresses),
            kinds=frozenset(kinds),
        )
        chain.mine(BLOCKS // 2)
        await service.until_tip("dev", chain.head.number)
        chain.reorg(2)
        chain.mine(BLOCKS // 2)
        await service.until_tip("dev", chain.head.number)
        await service.until_nothing_is_due()
        found = audit(chain, [question], heard(receiver), chain.head.number)
        status = await service.stop()
    return found, status
