"""Every kind of rule and every type of transaction, on the nodes that people develop with."""

import json
from collections import Counter

import pytest
from eth_abi import encode
from eth_utils import function_signature_to_4byte_selector, keccak

from crypitor.development.listen import Receiver
from tests import recorded
from tests.live.development import CHAIN_IDS, OWNER, PAYER
from tests.live.ethereumjs import KINDS, running
from tests.live.test_anvil import ETHER, WATCHED, emitter, words
from tests.live.test_anvil_traces import paying
from tests.rig import Service

pytestmark = pytest.mark.live

PINGED, PING = "event Pinged(address indexed who, uint256 count)", "ping(address,uint256)"
RULES = [
    *({"kind": kind} for kind in ("native", "erc20", "erc721", "erc1155", "internal")),
    *({"kind": kind} for kind in ("deployment", "transaction", "delegation", "withdrawal")),
    {"kind": "event", "signature": PINGED, "where": "watched(args.who)"},
    {
        "kind": "call",
        "signature": "function ping(address who, uint256 count)",
        "where": "watched(args.who)",
    },
]
TYPES = dict.fromkeys(KINDS, (0, 1, 2, 3, 4)) | {"ganache": (0, 1, 2), "ethereumjs": (0, 1, 2, 3)}
"""Ganache ended before blobs (3) and delegations (4), which EthereumJS's pool does not know either."""

TRACES = {"anvil": "debug", "geth": "debug", "geth-amsterdam": "logs"}
"""Where inner moves come from; the others' tracers do not tell them."""

DELEGATE = "0x" + "cd" * 20


async def all_kinds(node, types):
    """Do once whatever a rule can ask about; return what has to be told of it."""
    await node.fund()
    told = Counter()
    for kind in types:
        rest = {}
        if kind == 4:
            count = int(await node.call("eth_getTransactionCount", OWNER.address, "latest"), 16)
            authorization = {
                "chainId": CHAIN_IDS[node.kind], "address": DELEGATE, "nonce": count,
            }  # fmt: skip
            rest["authorizationList"] = [OWNER.sign_authorization(authorization)]
            told["delegation", "out", None, None] += 1
        receipt = await node.signed(PAYER, kind, WATCHED, (kind + 1) * ETHER, **rest)
        assert (receipt["status"], receipt["type"]) == ("0x1", hex(kind))
        told["native", "in", (kind + 1) * ETHER, None] += 1
        told["transaction", "in", None, kind] += 1
    await _tokens(node, told)
    await _owners(node, told)
    if node.takes_withdrawals:
        await node.withdraw()
        told["withdrawal", "in", 5 * 10**9, None] += 1
    return told


async def _tokens(node, told):
    """Contracts that emit what tokens emit, one that pays, and one that pings and is pinged."""
    erc20 = await node.create(emitter(recorded.TRANSFER, 2))
    erc721 = await node.create(emitter(recorded.TRANSFER, 3))
    erc1155 = await node.create(emitter(recorded.SINGLE, 3))
    pings = await node.create(emitter(keccak(b"Pinged(address,uint256)").hex(), 1))
    pays = await node.create(paying(WATCHED.removeprefix("0x"), 9) + "00")
    ping = function_signature_to_4byte_selector(PING) + encode(["address", "uint256"], [WATCHED, 3])
    for to, data in (
        (erc20, words(WATCHED, node.sender, 2**255)),
        (erc721, words(node.sender, WATCHED, 77)),
        (erc1155, words(node.sender, WATCHED, node.sender, 5, 6)),
        (pings, words(WATCHED, 3)),
        (pings, "0x" + ping.hex()),
    ):
        made = await node.send(to=to, data=data)
        assert (await node.receipt(made))["status"] == "0x1"
    paid = await node.send(to=pays, value="0x9")
    assert (await node.receipt(paid))["status"] == "0x1"
    told["erc20", "out", 2**255, None] += 1
    told["erc721", "in", 1, None] += 1
    told["erc1155", "out", 6, None] += 1
    told["event", None, None, None] += 1
    told["call", None, None, None] += 1
    if node.kind in TRACES:
        told["internal", "in", 9, None] += 1


async def _owners(node, told):
    """What the other watched account sends: a creation, and what fails."""
    receipt = await node.signed(OWNER, 2, None, data="0x60006000f3")
    assert receipt["status"] == "0x1"
    told["deployment", "out", None, None] += 1
    told["transaction", "out", None, 2] += 1
    reverting = await node.create("60006000fd")
    receipt = await node.signed(OWNER, 2, reverting, ETHER, fails=True)
    assert receipt["status"] == "0x0"
    told["transaction", "out", None, 2] += 1  # and no native: nothing moved


def seen(received):
    """What was told: kind, direction, amount, and of transactions their type."""
    found = Counter()
    for one in received:
        document = json.loads(one.body)
        data, kind = document["data"], document["data"]["kind"]
        if document["type"] == "match.detected":
            amount = None if data.get("amount") is None else int(data["amount"])
            of_type = data["transaction"]["type"] if kind == "transaction" else None
            found[kind, data.get("direction"), amount, of_type] += 1
    return found


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_rule_and_type_of_transaction(tmp_path, kind):
    """Each is told once; what failed is told by nothing but the rule for transactions."""
    async with running(kind) as node, Receiver(lambda: ()) as receiver:
        first = await node.mine()
        network = {
            "CHAIN_ID": str(CHAIN_IDS[kind]),
            "RPC": json.dumps([node.url]),
            "TRACES": TRACES.get(kind, "off"),
            "CONFIRMATIONS": "1",
        }
        values = {f"CRYPITOR__NETWORKS__DEV__{key}": value for key, value in network.items()}
        service = Service(tmp_path, values)
        await service.start()
        try:
            body = {
                "name": "All",
                "networks": ["dev"],
                "addresses": [WATCHED, OWNER.address],
                "rules": [one for one in RULES if one["kind"] != "internal" or kind in TRACES],
                "webhook": {"url": f"{receiver.url}/hook"},
            }
            await service.until_tip("dev", first)
            await service.post("/v1/monitors", body)
            expected = await all_kinds(node, TYPES[kind])
            expected["native", "in", 100 * ETHER, None] += 1  # what OWNER was given
            expected["transaction", "in", None, 2] += 1
            await service.until_tip("dev", await node.mine())
            await service.until_nothing_is_due()
        finally:
            status = await service.stop()

    assert status == 0, service.log.read_text()
    assert seen(receiver.received) == expected
