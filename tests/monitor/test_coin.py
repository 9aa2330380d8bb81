"""A payment in the chain's own coin is one match, also where the coin writes logs of its own."""

import json
from dataclasses import replace as with_fields

import pytest
from msgspec.structs import replace

from crypitor.evm.coins import BOR_COIN, EIP_7708, ZKSYNC_COIN, coin_transfers
from crypitor.evm.profiles import profile_of
from crypitor.monitor.explanation import Obstacle, Scene, findings
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import DEFAULT_RULES, Direction, Kind, Rule
from crypitor.monitor.prepared import prepare
from crypitor.webhook.body import document
from tests import recorded
from tests.evm.recorded import recorded_block
from tests.monitor.test_match import MONITOR, A, B, block, erc20

INTERNAL = Rule(Kind.INTERNAL)


def watching(addresses, *rules):
    index = Index()
    index.put(with_fields(MONITOR, rules=rules))
    index.add_addresses("mo_1", [(address, None) for address in addresses])
    return index


def amsterdam():
    """The blocks of geth, with the internal transfers that their logs tell."""
    blocks = [recorded.as_block(doc) for doc in recorded.newest("amsterdam-geth")]
    return [replace(one, traces=coin_transfers(one, EIP_7708)) for one in blocks]


def told(seen, index, chain_id=1337):
    return [
        json.loads(document(match, chain_id))
        for match in find_matches(seen, "ethereum", chain_id, index)
    ]


def test_what_is_no_token_says_in_which_coin_it_is():
    """
    Native and internal transfers have symbol and decimals; tokens have those of their contract.
    """
    seen = [block for block in amsterdam() if block.transactions]
    addresses = [one.sender for block in seen for one in block.transactions]
    index = watching(addresses, Rule(Kind.NATIVE), INTERNAL, Rule(Kind.ERC20))
    found = [
        json.loads(document(match, 1337, symbol="TST"))
        for block in seen
        for match in find_matches(block, "ethereum", 1337, index)
    ]

    assert {"native"} <= {one["kind"] for one in found}
    for one in found:
        coin = None if one["kind"] == "erc20" else {"symbol": "TST", "decimals": 18}
        assert one.get("coin") == coin


def movements(doc):
    """What changed hands in a block, by its transactions and the frames of their traces."""
    for transaction, receipt, traced in zip(
        doc["block"]["transactions"], doc["receipts"], doc["traces"], strict=True
    ):
        if receipt["status"] == "0x0":
            continue
        yield from _paid("native", traced["result"], None)
        yield from _inside(traced["result"])
        assert transaction["hash"] == receipt["transactionHash"]


def _inside(frame):
    for inner in frame.get("calls", []):
        if "error" not in inner:
            if inner["type"] != "CALLCODE":
                yield from _paid("internal", inner, frame)
            yield from _inside(inner)


def _paid(kind, frame, parent):
    amount = int(frame.get("value", "0x0"), 16)
    if amount and not (parent and frame["from"] == frame["to"]):
        yield kind, frame["from"], frame["to"], str(amount)


def test_each_move_of_value_is_one_match_on_amsterdams_blocks():
    """Payments, inner payments, creations, self-destructs, reverts: all that moved, once each."""
    for doc, seen in zip(recorded.newest("amsterdam-geth"), amsterdam(), strict=True):
        expected = list(movements(doc))
        parties = {party for _, *both, _ in expected for party in both}

        found = told(seen, watching(parties, *DEFAULT_RULES, INTERNAL))

        received = [one for one in found if one["direction"] == "in"]
        assert expected == [
            (one["kind"], one["from_address"], one["to_address"], one["amount"]) for one in received
        ]
        assert len(found) == 2 * len(received)


@pytest.mark.parametrize(("chain_id", "coin"), [(1, EIP_7708.address), (324, ZKSYNC_COIN.address)])
def test_the_coins_logs_are_erc20_for_a_rule_that_names_it(chain_id, coin):
    """Whoever books them by logs may go on; all other rules leave them alone."""
    paid = erc20(B, A, 5, address=coin)
    seen = block(logs=[paid])
    named = Rule(Kind.ERC20, contracts=frozenset({coin}))

    assert told(seen, watching([A], *DEFAULT_RULES), chain_id) == []
    [match] = told(seen, watching([A], *DEFAULT_RULES, named), chain_id)
    assert (match["kind"], match["contract"]["address"]) == ("erc20", coin)


def test_the_configuration_may_say_whose_logs_are_the_coins():
    """It goes before what is known by the chain's id, in matches and in explanations."""
    coin, index = BOR_COIN.address, watching([A], *DEFAULT_RULES)
    seen = block(logs=[erc20(B, A, 5, address=coin)])
    known = find_matches(seen, "ethereum", 1, index)
    scenes = [Scene("ethereum", 1, seen, 0, False, said) for said in (None, coin)]
    [one] = watching([A], Rule(Kind.ERC20)).watching(1)

    assert [match.subject.kind for match in known] == [Kind.ERC20]
    assert find_matches(seen, "ethereum", 1, index, coin=coin) == []
    assert [
        any(finding.matches for finding in findings(scene, prepare(Rule(Kind.ERC20)), one))
        for scene in scenes
    ] == [True, False]


def test_the_coins_logs_are_no_tokens_for_those_who_watch_everybody():
    """A rule of every party that names the address is told, one that names none is not."""
    paid = erc20(B, A, 5, address=EIP_7708.address)
    named = frozenset({EIP_7708.address})
    index = Index()
    index.put(with_fields(MONITOR, rules=(Rule(Kind.ERC20, where="amount > 1"),), any_address=True))
    index.put(
        with_fields(
            MONITOR, id="mo_2", rules=(Rule(Kind.ERC20, contracts=named),), any_address=True
        )
    )

    found = told(block(logs=[paid]), index, 1)

    assert {one["monitor"]["id"] for one in found} == {"mo_2"}


def test_the_same_address_on_another_chain_is_any_contract():
    """Who speaks for the coin is a matter of the chain: 0x800a is ZKsync's."""
    paid = erc20(B, A, 5, address=ZKSYNC_COIN.address)

    assert len(told(block(logs=[paid]), watching([A], *DEFAULT_RULES), 1)) == 1


def test_why_the_coins_log_is_no_token_is_told():
    """The trial of a monitor names the address and the kinds that see the move."""
    paid = erc20(B, A, 5, address=EIP_7708.address)
    index = watching([A], Rule(Kind.ERC20))
    [one] = index.watching(1)
    scene = Scene("ethereum", 1, block(logs=[paid]), 0, traced=False)

    for finding in findings(scene, prepare(Rule(Kind.ERC20)), one):
        assert finding.reasons[0].obstacle is Obstacle.CONTRACT
        assert "native and internal" in finding.reasons[0].detail


@pytest.mark.parametrize("number", recorded.there(137, 147648, 20000000, 40000000, 43200000))
def test_on_polygon_every_log_of_the_coin_is_one_match(number):
    """As many as there are LogTransfer: one native for each payment, the others internal."""
    recorded_one = recorded_block(137, number)
    seen = recorded.as_block(
        next(doc for doc in recorded.documents(137) if int(doc["block"]["number"], 16) == number)
    )
    seen = replace(seen, traces=coin_transfers(seen, profile_of(137).coin_logs))
    logs = [
        one
        for receipt in recorded_one.receipts
        for one in receipt.logs
        if one.topics[0].startswith("0xe6497e3e")
    ]
    parties = {"0x" + one.topics[place][26:] for one in logs for place in (2, 3)}
    index = watching(parties, Rule(Kind.NATIVE, Direction.IN), Rule(Kind.INTERNAL, Direction.IN))

    found = told(seen, index, 137)

    assert sorted(one["amount"] for one in found) == sorted(
        str(int(one.data[2:66], 16)) for one in logs
    )
