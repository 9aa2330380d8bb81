"""Rules of kind `transaction`, and what every rule can ask of the transaction."""

import json

import pytest
from msgspec.structs import replace

from crypitor.monitor.condition.scope import fee_of
from crypitor.monitor.explanation import Obstacle, Scene, findings
from crypitor.monitor.match import Tally, find_matches
from crypitor.monitor.models import Direction, Kind, rule_of
from crypitor.monitor.prepared import prepare
from crypitor.webhook.body import document
from tests import recorded
from tests.monitor.test_kinds import indexed
from tests.monitor.test_match import TOKEN, A, B, C, block, erc20

GWEI = 10**9


def any_of(direction=Direction.ALL, where=None, include_failed=True):
    return rule_of(
        Kind.TRANSACTION, direction=direction, where=where, include_failed=include_failed
    )


def told(seen, *rules, **changes):
    return [
        json.loads(document(match, 1))
        for match in find_matches(seen, "ethereum", 1, indexed(*rules, **changes))
    ]


def ways(seen, *rules, **changes):
    return [
        (one["direction"], one["address"], one["transaction"]["status"])
        for one in told(seen, *rules, **changes)
    ]


def costing(seen, used="0x5208", price="0x4a817c800", **fields):
    """The block, its one transaction being of this cost."""
    [transaction], [receipt] = seen.transactions, seen.receipts
    receipt = replace(receipt, gas_used=used, effective_gas_price=price, type="0x2", **fields)
    return replace(seen, transactions=(replace(transaction, nonce="0x7"),), receipts=(receipt,))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(block(), [("out", A, "success")], id="moves nothing"),
        pytest.param(block("0x5"), [("out", A, "success")], id="moves value"),
        pytest.param(block(status="0x0"), [("out", A, "failed")], id="failed"),
        pytest.param(block(sender=B, to=A), [("in", A, "success")], id="received"),
        pytest.param(
            block(to=A), [("out", A, "success"), ("in", A, "success")], id="to oneself"
        ),
        pytest.param(block(to=None, created=C), [("out", A, "success")], id="creates"),
        pytest.param(block(sender=B, to=None, created=A), [("in", A, "success")], id="created"),
        pytest.param(block(sender=B, to=None, created=A, status="0x0"), [], id="failed creation"),
        pytest.param(block(sender=B, to=C, logs=[erc20(B, A, 5)]), [], id="a party of a log"),
    ],
)  # fmt: skip
def test_any_transaction_from_or_to_a_watched_address(seen, expected):
    """Whatever it calls, moves or becomes; a failed one too."""
    assert expected == ways(seen, any_of())


def test_failed_ones_are_left_out_where_the_rule_says_so():
    """`include_failed` is on unless it is switched off."""
    assert ways(block(status="0x0"), any_of(include_failed=False)) == []
    assert ways(block(), any_of(include_failed=False)) == [("out", A, "success")]


@pytest.mark.parametrize("direction", [Direction.IN, Direction.OUT])
def test_directions(direction):
    """`out` the sender, `in` whom it is to."""
    assert [way for way, *_ in ways(block(to=A), any_of(direction))] == [direction]


def test_it_is_a_match_beside_what_moved():
    """The transaction and its transfer are two kinds, and two matches."""
    seen = block("0x5", logs=[erc20(A, C, 5)])

    kinds = [one["kind"] for one in told(seen, any_of(), rule_of(Kind.NATIVE), rule_of(Kind.ERC20))]

    assert kinds == ["transaction", "native", "erc20"]


def test_it_tells_what_the_transaction_cost():
    """Gas, price and fee as decimal text, nonce and type; nothing that was transferred."""
    [one] = told(costing(block("0x5")), any_of())

    assert one["transaction"] | {
        "type": 2, "nonce": "7", "selector": None, "gas_used": "21000",
        "gas_price": str(20 * GWEI), "fee": str(21000 * 20 * GWEI), "value": "5",
    } == one["transaction"]  # fmt: skip
    assert (one["amount"], one["contract"], one["log_index"], one["event"]) == (None,) * 4


def test_everybodys_transactions():
    """With `"addresses": "any"` a condition chooses."""
    rule = any_of(where="transaction.fee > 100 gwei and direction == 'out'")
    seen = costing(block(sender=B, to=C))

    assert ways(seen, rule, any_address=True, addresses=()) == [("out", B, "success")]
    assert (
        ways(costing(block(sender=B, to=C), used="0x1", price="0x1"), rule, any_address=True) == []
    )


WHERE = [
    "transaction.gas_used == 21_000", "transaction.gas_price == 20 gwei", "transaction.nonce == 7",
    "transaction.fee == 21_000 * 20 gwei", "transaction.type == 2", "transaction.type == 0x2",
    "transaction.input == 0xa9059cbb0011", "starts_with(transaction.input, 0xa9059cbb)",
    "transaction.selector == 0xa9059cbb", "transaction.selector in [0x00000000, '0xa9059cbb']",
]  # fmt: skip
RULES = {
    Kind.NATIVE: {}, Kind.INTERNAL: {}, Kind.ERC20: {}, Kind.ERC721: {}, Kind.ERC1155: {},
    Kind.EVENT: {"signature": "event Transfer(address indexed a, address indexed b, uint256 c)"},
    Kind.CALL: {"signature": "function transfer(address to, uint256 amount)"},
    Kind.DEPLOYMENT: {}, Kind.TRANSACTION: {},
}  # fmt: skip


@pytest.mark.parametrize("where", WHERE)
def test_every_kind_can_ask_for_it(where):
    """The fields of the transaction are those of all kinds; what they say is true of it."""
    for kind, more in RULES.items():
        assert prepare(rule_of(kind, where=where, **more)).condition is not None
    seen = costing(block("0x5", to=TOKEN))
    [transaction] = seen.transactions
    seen = replace(seen, transactions=(replace(transaction, input="0xa9059cbb0011"),))

    assert len(told(seen, rule_of(Kind.NATIVE, where=where))) == 1
    assert told(seen, rule_of(Kind.NATIVE, where=f"not ({where})")) == []


def test_what_a_node_does_not_tell_is_null():
    """Comparing it with a number has no answer, and is counted; it can be asked for."""
    tally = Tally()
    asks = indexed(rule_of(Kind.NATIVE, where="transaction.fee > 5"))

    assert find_matches(block("0x5"), "ethereum", 1, asks, tally) == []
    assert tally.condition_errors == 1
    for name in ("fee", "gas_used", "gas_price", "nonce", "selector"):
        assert told(block("0x5"), rule_of(Kind.NATIVE, where=f"transaction.{name} == null"))


@pytest.mark.parametrize("odd", ["0x", "", "0xzz", -1, 1.5, "0x1" + "0" * 64, None])
def test_a_number_that_cannot_be_read_is_null(odd):
    """Nodes differ in fields that nothing depends on; no block is refused for one."""
    rule = rule_of(Kind.NATIVE, where="transaction.gas_used == null and transaction.fee == null")

    assert len(told(costing(block("0x5"), used=odd), rule)) == 1


def test_a_number_may_be_a_json_number():
    """As some nodes send it."""
    rule = rule_of(Kind.NATIVE, where="transaction.gas_used == 21000")

    assert len(told(costing(block("0x5"), used=21000), rule)) == 1


def test_a_creation_calls_no_function():
    """Its input is code: it has no selector."""
    rule = rule_of(Kind.DEPLOYMENT, where="transaction.selector == null")

    assert [one["kind"] for one in told(block(to=None, created=C), rule)] == ["deployment"]


def test_why_a_failed_one_is_left_out_is_told():
    """The trial names `include_failed`, and nothing where the rule includes it."""
    scene = Scene("ethereum", 1, block(status="0x0"), 0, traced=False)
    for includes, expected in ((False, [Obstacle.FAILED]), (True, [])):
        rule = any_of(Direction.OUT, include_failed=includes)
        [watching] = indexed(rule).watching(1)
        found = next(findings(scene, prepare(rule), watching))

        assert [reason.obstacle for reason in found.reasons] == expected


def test_the_fees_of_recorded_blocks():
    """Gas used is the growth of the cumulative gas, and what was paid the sum of all fees."""
    for doc in recorded.documents(1)[-6:]:
        seen = recorded.as_block(doc)
        before, fees = 0, 0
        for receipt in seen.receipts:
            cumulative = int(receipt.cumulative_gas_used, 16)
            assert int(receipt.gas_used, 16) == cumulative - before
            before = cumulative
            fees += fee_of(receipt)
        blobs = sum(
            int(one.get("blobGasUsed", "0x0"), 16) * int(one.get("blobGasPrice", "0x0"), 16)
            for one in doc["receipts"]
        )
        assert before == int(doc["block"]["gasUsed"], 16)
        assert fees - blobs == sum(
            int(one["gasUsed"], 16) * int(one["effectiveGasPrice"], 16) for one in doc["receipts"]
        )


def test_an_op_chains_fee_has_its_part_for_the_data():
    """`l1Fee` is taken beside the gas; of blocks that op-geth made."""
    [doc] = recorded.newest("op_mixed_jovian")
    seen = recorded.as_block(doc)
    for receipt, plain in zip(seen.receipts, doc["receipts"], strict=True):
        if receipt.type == "0x7e":
            continue
        gas = int(plain["gasUsed"], 16) * int(plain["effectiveGasPrice"], 16)
        assert fee_of(receipt) == gas + int(plain.get("l1Fee", "0x0"), 16)
