"""Transactions that have a list of calls in place of a receiver, a value and an input."""

import json

import pytest
from msgspec.structs import replace

from crypitor.evm.types import InnerCall
from crypitor.monitor.explanation import Scene, findings
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Direction, Kind, rule_of
from crypitor.monitor.prepared import prepare
from crypitor.webhook.body import document
from tests.monitor.test_explanation import alone
from tests.monitor.test_kinds import CALL, SENT, indexed, told
from tests.monitor.test_match import TOKEN, A, B, C, block

NATIVE, CALLS = rule_of(Kind.NATIVE), rule_of(Kind.CALL, signature=CALL)


def batch(*calls, sender=A, **rest):
    """A block whose one transaction makes these calls."""
    seen = block("0x0", to=None, sender=sender, **rest)
    [transaction] = seen.transactions
    return replace(seen, transactions=(replace(transaction, calls=calls),))


PAYMENTS = (InnerCall(B, "0x5"), InnerCall(C, "0x0"), InnerCall(B, "0x7"))


@pytest.mark.parametrize("watched, direction", [(A, "out"), (B, "in")])
def test_the_values_of_calls_are_native_transfers(watched, direction):
    """Each has its place in the list, and so an id of its own."""
    matches = told(batch(*PAYMENTS), indexed(NATIVE, addresses=(watched,)))

    assert [
        (each["from_address"], each["to_address"], each["amount"], each["item"], each["direction"])
        for each in matches
    ] == [(A, B, "5", 0, direction), (A, B, "7", 2, direction)]
    assert len({each["id"] for each in matches}) == 2


def test_one_who_is_not_party_to_a_call_hears_nothing():
    """Watching the receiver of a call without value is watching no payment."""
    assert told(batch(*PAYMENTS), indexed(NATIVE, addresses=(C,))) == []


def test_a_failed_batch_moved_nothing():
    """The calls of one transaction are done together, or not at all."""
    failed = batch(*PAYMENTS, status="0x0")

    assert told(failed, indexed(NATIVE, addresses=(B,))) == []
    including = rule_of(Kind.NATIVE, include_failed=True)
    assert [each["amount"] for each in told(failed, indexed(including, addresses=(B,)))] == [
        "5", "7",
    ]  # fmt: skip


def test_calls_in_a_list_are_calls():
    """Each call of the function matches, with its contract and its arguments."""
    seen = batch(InnerCall(B, "0x5"), InnerCall(TOKEN, "0x0", SENT), InnerCall(TOKEN, input=SENT))

    assert [
        (each["to_address"], each["call"]["args"], each["item"])
        for each in told(seen, indexed(CALLS))
    ] == [(TOKEN, {"to": C, "amount": "7"}, 1), (TOKEN, {"to": C, "amount": "7"}, 2)]
    elsewhere = rule_of(Kind.CALL, signature=CALL, contracts=frozenset({B}))
    assert told(seen, indexed(elsewhere)) == []


def test_every_party_of_a_call_where_every_address_is_watched():
    """A condition on the amount is asked about each value."""
    rule = rule_of(Kind.NATIVE, where="amount > 5")

    matches = told(batch(*PAYMENTS), indexed(rule, addresses=(), any_address=True))

    assert {(each["amount"], each["direction"]) for each in matches} == {("7", "out"), ("7", "in")}


def test_a_creation_in_a_list_is_a_deployment():
    """A list without a creation is none, although the transaction has no receiver."""
    rule = rule_of(Kind.DEPLOYMENT)

    created = batch(InnerCall(None, input="0x60"), InnerCall(B, "0x5"), created=C)
    assert [each["to_address"] for each in told(created, indexed(rule))] == [C]
    assert told(batch(*PAYMENTS), indexed(rule)) == []


@pytest.mark.parametrize("rule", [NATIVE, CALLS, rule_of(Kind.DEPLOYMENT)])
@pytest.mark.parametrize("direction", list(Direction))
def test_a_trial_finds_of_a_list_what_the_monitor_finds(rule, direction):
    """The explanation and the search agree."""
    from dataclasses import replace as with_changes

    rule = with_changes(rule, direction=direction)
    seen = batch(*PAYMENTS, InnerCall(TOKEN, "0x1", SENT), InnerCall(None), created=C)

    for watched in (A, B, C):
        index = indexed(rule, addresses=(watched,))
        searched = [
            (match.direction, match.subject) for match in find_matches(seen, "ethereum", 1, index)
        ]
        scene = Scene("ethereum", 1, seen, 0, True)
        explained = [
            (each.direction, each.subject)
            for each in findings(scene, prepare(rule), alone((watched,), (rule,)).one)
            if each.matches
        ]
        assert explained == searched


def post_execution(sender, kind):
    """The last transaction of a block of the OP stack, as op-geth shows it."""
    seen = block("0x0", to=None, sender=sender, created=C)
    [receipt] = seen.receipts
    return replace(seen, receipts=(replace(receipt, type=kind),))


def test_what_the_op_stack_does_after_a_block_creates_nothing():
    """Type 0x7d has no receiver, and a contract's address in its receipt."""
    zero = "0x" + "00" * 20
    index = indexed(rule_of(Kind.DEPLOYMENT), addresses=(zero, C))

    assert told(post_execution(zero, "0x7d"), index) == []
    assert told(post_execution(zero, "0x2"), index) != []
    created = rule_of(Kind.DEPLOYMENT, where="true")
    assert told(post_execution(zero, "0x7d"), indexed(created, any_address=True)) == []


def test_a_list_of_calls_is_carried_by_the_queue():
    """What the matcher takes is what the worker published."""
    from crypitor.queue import Message
    from crypitor.queue.wire import decode, encode

    message = Message("dev", 1, 1, batch(*PAYMENTS), None, None, 0, 0)

    assert decode(encode(message)) == message
    [found] = find_matches(message.block, "dev", 1, indexed(NATIVE, networks=("dev",)))[:1]
    assert json.loads(document(found, 1))["transaction"]["to_address"] is None
