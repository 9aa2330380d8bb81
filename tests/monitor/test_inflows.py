"""Deposits and bridge credits, on recorded blocks: which rule tells what arrives."""

import json

import pytest
from msgspec.structs import replace

from crypitor.evm.coins import coin_transfers
from crypitor.evm.profiles import profile_of
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Direction, Kind, rule_of
from crypitor.webhook.body import document
from tests import recorded
from tests.monitor.test_kinds import indexed

EVERYTHING = tuple(rule_of(kind, direction=Direction.IN) for kind in (Kind.NATIVE, Kind.INTERNAL))


def arrived(chain_id, number):
    """What a watcher of everybody is told to have arrived in a recorded block."""
    [doc] = [
        doc for doc in recorded.documents(chain_id) if int(doc["block"]["number"], 16) == number
    ]
    seen = recorded.as_block(doc)
    seen = replace(seen, traces=coin_transfers(seen, profile_of(chain_id).coin_logs))
    rules = [rule_of(rule.kind, direction=Direction.IN, where="amount > 0") for rule in EVERYTHING]
    index = indexed(*rules, any_address=True, addresses=())
    found = find_matches(seen, "ethereum", chain_id, index)
    return doc, [json.loads(document(match, chain_id)) for match in found]


@pytest.mark.parametrize(("chain_id", "number"), [(8453, 77976), (84531, 10000000)])
def test_a_deposit_of_an_op_chain_is_native(chain_id, number):
    """Its `mint` is its value: what was minted on the way arrives as the transaction's value."""
    doc, found = arrived(chain_id, number)
    [deposit] = [one for one in doc["block"]["transactions"] if int(one.get("mint") or "0x0", 16)]

    [told] = [one for one in found if one["transaction"]["hash"] == deposit["hash"]]

    assert (told["kind"], told["amount"]) == ("native", str(int(deposit["mint"], 16)))
    assert (told["from_address"], told["to_address"]) == (deposit["from"], deposit["to"])


def test_a_deposit_to_polygon_is_internal():
    """It is paid by 0x1010 within the state-sync transaction, which moves nothing itself."""
    doc, [told] = arrived(137, 147648)
    [receipt] = doc["receipts"]
    deposit = next(one for one in receipt["logs"] if one["topics"][0].startswith("0x4e2ca051"))

    assert told["kind"] == "internal"
    assert told["to_address"] == "0x" + deposit["topics"][2][26:]
    assert told["amount"] == str(int(deposit["data"][2:66], 16))
