"""Internal transfers: who is told of them, and what."""

import json

import pytest
from msgspec.structs import replace

from crypitor.evm.types import InternalTransfer
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Direction, Kind, rule_of
from crypitor.webhook.body import document
from tests.monitor.test_kinds import indexed
from tests.monitor.test_match import A, B, C, block, erc20

ETHER = 10**18


def inside(*moved, at=0):
    """Internal transfers of one transaction."""
    return tuple(
        InternalTransfer(at, item, sender, receiver, hex(amount))
        for item, (sender, receiver, amount) in enumerate(moved)
    )


def told(seen, index):
    return [json.loads(document(match, 1)) for match in find_matches(seen, "ethereum", 1, index)]


def ways(seen, index):
    return [
        (each["kind"], each["direction"], each["address"], each["amount"], each["item"])
        for each in told(seen, index)
    ]


def test_an_internal_transfer_is_told_with_its_item():
    """
    It has neither log, nor event, nor contract; the amount is of the chain's own coin.
    """
    seen = replace(block(sender=B, to=C), traces=inside((C, B, 1), (C, A, 3 * ETHER // 2)))

    [match] = told(seen, indexed(rule_of(Kind.INTERNAL)))

    expected = {
        "kind": "internal", "direction": "in", "address": A, "log_index": None, "item": 1,
        "from_address": C, "to_address": A, "contract": None, "amount": str(3 * ETHER // 2),
        "amount_formatted": "1.5", "token_id": None, "event": None,
    }  # fmt: skip
    assert expected == {name: match[name] for name in expected}
    assert match["transaction"] | {"from_address": B, "to_address": C} == match["transaction"]


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        (Direction.IN, [("internal", "in", A, "2", 1)]),
        (Direction.OUT, [("internal", "out", A, "1", 0)]),
        (Direction.ALL, [("internal", "out", A, "1", 0), ("internal", "in", A, "2", 1)]),
    ],
)
def test_directions(direction, expected):
    """
    `in` the receiver, `out` the sender, `all` either.
    """
    seen = replace(block(sender=B, to=C), traces=inside((A, B, 1), (C, A, 2), (B, C, 3)))

    assert expected == ways(seen, indexed(rule_of(Kind.INTERNAL, direction=direction)))


def test_a_transfer_to_oneself_is_told_once_a_direction():
    """
    As with all transfers.
    """
    seen = replace(block(sender=B, to=C), traces=inside((A, A, 5)))

    assert [("internal", "out", A, "5", 0), ("internal", "in", A, "5", 0)] == ways(
        seen, indexed(rule_of(Kind.INTERNAL))
    )


def test_equal_transfers_in_a_transaction_are_different_matches():
    """
    The item tells them apart, in the id too.
    """
    seen = replace(block(sender=B, to=C), traces=inside((C, A, 5), (C, A, 5)))

    ids = {each["id"] for each in told(seen, indexed(rule_of(Kind.INTERNAL)))}

    assert len(ids) == 2


def test_native_and_internal_are_different_kinds():
    """
    A monitor is told of what its rules ask; both of the same parties are two matches.
    """
    seen = replace(block("0x5", sender=A, to=C), traces=inside((C, A, 5)))

    assert [("native", "out", A, "5", None)] == ways(seen, indexed(rule_of(Kind.NATIVE)))
    assert [("internal", "in", A, "5", 0)] == ways(seen, indexed(rule_of(Kind.INTERNAL)))


def test_matches_come_in_the_order_of_the_chain():
    """
    Of each transaction: itself, what moved inside it, its logs.
    """
    one, two = block("0x5", sender=A, to=C, logs=[erc20(A, B, 9)]), block("0x6", sender=A, to=C)
    later = replace(two.transactions[0], hash="0x" + "4" * 64, index="0x1")
    seen = replace(
        one,
        transactions=(*one.transactions, later),
        receipts=(*one.receipts, *two.receipts),
        traces=(*inside((C, A, 1)), *inside((C, A, 2), at=1)),
    )

    found = ways(seen, indexed(*map(rule_of, (Kind.NATIVE, Kind.INTERNAL, Kind.ERC20))))

    assert [
        ("native", "out", A, "5", None),
        ("internal", "in", A, "1", 0),
        ("erc20", "out", A, "9", None),
        ("native", "out", A, "6", None),
        ("internal", "in", A, "2", 0),
    ] == found


def test_conditions_hold_for_internal_transfers():
    """
    With any address too, whose rule needs one.
    """
    seen = replace(block(sender=B, to=C), traces=inside((B, C, ETHER), (C, B, 2 * ETHER)))
    rule = rule_of(Kind.INTERNAL, where="amount > 1 ether and item == 1")

    found = ways(seen, indexed(rule, addresses=(), any_address=True))

    assert [
        ("internal", "out", C, str(2 * ETHER), 1),
        ("internal", "in", B, str(2 * ETHER), 1),
    ] == found
