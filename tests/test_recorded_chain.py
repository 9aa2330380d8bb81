"""The whole service on recorded mainnet blocks, compared with a plain reading of their JSON."""

import json
import random

from crypitor.development.listen import Receiver
from tests import recorded
from tests.forked import ForkedService
from tests.replayed import Replayed, served
from tests.rig import heard, until_all_is_sent

ADDRESSES = 200


async def test_webhooks_equal_a_plain_reading(tmp_path):
    """
    For 200 addresses of recorded blocks the webhooks are those of the JSON, no more and no fewer.
    """
    docs = recorded.documents(1)
    parties = sorted(
        {
            moved[side]
            for doc in docs
            for moved in recorded.plain_transfers(doc)
            for side in ("from", "to")
        }
    )
    kinds = {
        (moved["kind"], moved["item"] is None): moved
        for doc in docs
        for moved in recorded.plain_transfers(doc)
    }
    watched = {*random.Random(200).sample(parties, ADDRESSES - len(kinds))}
    watched |= {moved["to"] for moved in kinds.values()}
    secrets = []
    chain = Replayed(1)
    async with served(chain) as address, Receiver(lambda: secrets) as receiver:
        service = ForkedService(
            tmp_path,
            {
                "CRYPITOR__NETWORKS__ETHEREUM__RPC": json.dumps([f"http://{address}"]),
                "CRYPITOR__NETWORKS__ETHEREUM__START": "0",
                "CRYPITOR__NETWORKS__ETHEREUM__VERIFY": "receipts",
            },
            roles=("api",),
        )
        await service.start()
        monitor = await service.post(
            "/v1/monitors",
            {
                "name": "Recorded",
                "networks": ["ethereum"],
                "addresses": sorted(watched),
                "notify": ["detected"],
                "webhook": {"url": f"{receiver.url}/hook"},
            },
        )
        secrets.append(monitor["webhook"]["secret"])
        await service.stop()
        service = ForkedService(tmp_path, service.settings)
        await service.start()
        await service.until_tip("ethereum", chain.head)
        await until_all_is_sent(service, receiver)
        await service.stop()
    assert chain.head + 1 == len(docs)

    expected = [told for doc in docs for told in recorded.plain_matches(doc, watched)]
    actual = [reading(webhook.json["data"]) for webhook in heard(receiver)]
    assert {"native", "erc20", "erc721", "erc1155"} <= {told["kind"] for told in expected}
    assert any(told["item"] is not None for told in expected), "a batch must be among them"
    assert len(watched) >= ADDRESSES - len(kinds)
    assert sorted(map(as_text, expected)) == sorted(map(as_text, actual))


def reading(told):
    """What a webhook says, in the words of the plain reading."""
    return {
        "kind": told["kind"],
        "transaction": told["transaction"]["hash"],
        "log_index": told["log_index"],
        "item": told["item"],
        "from": told["from_address"],
        "to": told["to_address"],
        "contract": told["contract"] and told["contract"]["address"],
        "amount": told["amount"],
        "token_id": told["token_id"],
        "direction": told["direction"],
        "address": told["address"],
    }


def as_text(told):
    """A match in a form that can be sorted."""
    return json.dumps(told, sort_keys=True)
