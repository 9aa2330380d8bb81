"""Names and decimals of tokens, through the whole service."""

import asyncio

import msgspec

from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.forked import ForkedService
from tests.patience import HANG_SECONDS
from tests.test_service import settings
from tests.worker.faulty import FaultyNode


async def watch(service, chain, receiver, **endpoint):
    """Watch everybody's ERC-20 transfers and tell them to the receiver; return the secret."""
    monitor = await service.post(
        "/v1/monitors",
        {
            "networks": ["dev"],
            "addresses": "any",
            "rules": [{"kind": "erc20", "contracts": [t.address for t in chain.contracts.erc20]}],
            "webhook": {"url": f"{receiver.url}/hook", **endpoint},
        },
    )
    return monitor["webhook"]["secret"]


async def matches(service):
    """Return the newest thousand."""
    return (await service.get("/v1/matches?limit=1000"))["data"]


def exactly(amount, decimals):
    """Return an amount in whole coins, by plain text alone."""
    digits = amount.rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    return f"{whole}.{fraction}".rstrip("0").rstrip(".") if fraction else whole


async def until_named(service, chain, tokens):
    """Mine until every one of these tokens was told by its name; return the newest matches."""
    async with asyncio.timeout(HANG_SECONDS):
        while True:
            chain.mine()
            await service.until_tip("dev", chain.head.number)
            found = await matches(service)
            named = {m["contract"]["address"] for m in found if m["contract"]["symbol"]}
            if {token.address for token in tokens} <= named:
                return found


async def test_the_first_match_has_null_and_the_next_ones_have_the_name(tmp_path):
    """
    A block waits for no name; what is found serves all that follows, exact to the last digit.
    """
    chain = SimulatedChain(3)
    truth = {t.address: (t.name, t.symbol, t.decimals) for t in chain.contracts.erc20}
    async with SimulatorServer(chain) as node, Receiver(list) as receiver:
        service = ForkedService(tmp_path, settings(node.url))
        await service.start()
        await watch(service, chain, receiver)
        chain.mine()
        await service.until_tip("dev", 1)
        first = await matches(service)
        found = await until_named(service, chain, chain.contracts.erc20)
        await service.stop()

    unnamed = {"name": None, "symbol": None, "decimals": None}
    assert first
    assert all(m["contract"] == {"address": m["contract"]["address"], **unnamed} for m in first)
    for match in found:
        contract = match["contract"]
        if contract["symbol"] is None:
            assert match["amount_formatted"] is None
        else:
            told = (contract["name"], contract["symbol"], contract["decimals"])
            assert truth[contract["address"]] == told
            assert exactly(match["amount"], contract["decimals"]) == match["amount_formatted"]


async def test_a_node_that_hangs_on_calls_delays_no_block(tmp_path):
    """
    Blocks are matched while every look-up waits for its deadline.
    """
    chain = SimulatedChain(3)
    async with SimulatorServer(chain) as upstream, FaultyNode(upstream.url) as node:
        hanging = asyncio.Event()
        original = node._post

        async def post(request):
            if b"eth_call" in await request.read():
                hanging.set()
                await node._released.wait()
            return await original(request)

        node._post = post
        await node.stop()
        await node.start()
        async with Receiver(list) as receiver:
            patience = {"CRYPITOR__NETWORKS__DEV__TIMEOUT_SECONDS": f"{2 * HANG_SECONDS:g}"}
            service = ForkedService(tmp_path, settings(node.url) | patience)
            await service.start()
            await watch(service, chain, receiver)
            chain.mine()
            await asyncio.wait_for(hanging.wait(), HANG_SECONDS)
            chain.mine(20)
            await service.until_tip("dev", 21)
            found = await matches(service)
            node.heal()
            await service.stop()

    assert {match["contract"]["symbol"] for match in found} == {None}


async def test_the_original_format(tmp_path):
    """
    Each transfer is told twice in the original's form, with one eventId and its signature.
    """
    chain = SimulatedChain(3)
    secrets = []
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        service = ForkedService(
            tmp_path,
            settings(node.url)
            | {
                "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": "2",
                "CRYPITOR__NETWORKS__DEV__START": "0",  # its first look may come after both blocks
            },
        )
        await service.start()
        headers = {"Authorization": "Bearer theirs"}
        secrets.append(await watch(service, chain, receiver, format="crypitor", headers=headers))
        chain.mine(2)
        await service.until_tip("dev", 2)
        await service.until_nothing_is_due()
        found = [m for m in await matches(service) if m["block"]["number"] == 1]
        await service.stop()

    bodies = [msgspec.json.decode(received.body) for received in receiver.received]
    told = {}
    for body in bodies:
        if body["blockNum"] == 1:
            told.setdefault(body["eventId"], set()).add(body["confirm"])
    assert all(received.verified for received in receiver.received)
    assert {(b["chain"], b["category"]) for b in bodies} == {("dev", "ERC20")}
    assert len(found) == len(told) > 0
    assert all(phases == {False, True} for phases in told.values())
