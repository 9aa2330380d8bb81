"""A block with the receipts that are needed alone tells what the whole block does."""

import random
from dataclasses import replace

import msgspec
import pytest

from crypitor.evm.types import Receipt
from crypitor.monitor.condition import Facts, compile_condition, scope_for
from crypitor.monitor.condition.scope import OF_RECEIPT
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Kind, rule_of
from crypitor.monitor.needed import Needed, is_known
from tests import recorded
from tests.monitor.test_match import MONITOR, A, B, block, watching

WITHOUT_LOGS = ("native", "transaction", "deployment", "withdrawal", "delegation")
CALL = "transfer(address,uint256)"
MANY = 10**6
DOCUMENTS = [(one, document) for one in (1, 10, 137, 42161) for document in recorded.documents(one)]


def spared(whole, known):
    """A block as it is read where nothing but the receipts of `known` was asked for."""
    receipts = tuple(
        receipt
        if receipt.transaction_hash in known
        else Receipt(receipt.transaction_hash, receipt.transaction_index, receipt.block_hash, (), status="0x1")
        for receipt in whole.receipts
    )  # fmt: skip
    return msgspec.structs.replace(whole, receipts=receipts, known=tuple(known))


def asking(rules, addresses=(), networks=("ethereum",)):
    return watching(*addresses, rules=tuple(rules), any_address=not addresses, networks=networks)


def needed(index, network="ethereum", chain_id=1):
    return Needed(index, network, chain_id)


@pytest.mark.parametrize("kind", [*WITHOUT_LOGS, "call"])
@pytest.mark.parametrize("failed", [False, True])
def test_what_is_found_is_what_the_whole_block_has(kind, failed):
    """Of recorded blocks: by a kind that no log tells, for any party and for some addresses."""
    rule = rule_of(Kind(kind), signature=CALL if kind == "call" else None, include_failed=failed)
    told = 0
    for chain_id, document in DOCUMENTS:
        whole = recorded.as_block(document)
        parties = sorted({one.sender for one in whole.transactions})
        some = random.Random(7).sample(parties, min(5, len(parties)))
        for addresses in ((), some) if kind != "call" else ((),):
            index = asking([rule], addresses)
            known = needed(index, chain_id=chain_id).of(spared(whole, ()), MANY)
            light = spared(whole, known)

            matches = find_matches(light, "ethereum", chain_id, index)
            assert matches == find_matches(whole, "ethereum", chain_id, index)
            assert is_known(light, "ethereum", index, matches)
            told += len(matches)

    assert told or kind in ("withdrawal", "delegation")  # these blocks have none


@pytest.mark.parametrize("kind", [*Kind])
def test_which_kinds_need_all_receipts(kind):
    """Those that logs tell, moves within transactions, and what is looked at where a block was."""
    needs = {"erc20", "erc721", "erc1155", "event", "internal", "balance", "view"}
    rule = {
        Kind.EVENT: lambda: rule_of(kind, signature="Transfer(address indexed a,uint256 b)"),
        Kind.CALL: lambda: rule_of(kind, signature=CALL),
        Kind.VIEW: lambda: rule_of(
            kind, signature="totalSupply() returns (uint256)", contracts=frozenset({A})
        ),
    }.get(kind, lambda: rule_of(kind))()

    assert needed(asking([rule], [A])).all == (str(kind) in needs)


@pytest.mark.parametrize(
    ("where", "needs"),
    [
        ("amount > 1", False),
        ("transaction.nonce > 1 and transaction.value > 0", False),
        ("status == 'failed'", True),
        ("transaction.fee > 1", True),
        ("amount > 1 or transaction.gas_used > 21000", True),
        ("transaction.type == 2", True),
    ],
)
def test_a_condition_may_need_all_receipts(where, needs):
    """What only a receipt says cannot be asked before there is one."""
    rule = rule_of(Kind.NATIVE, where=where)

    assert needed(asking([rule], [A])).all == needs


@pytest.mark.parametrize("kind", [*WITHOUT_LOGS, "call"])
def test_every_field_that_a_receipt_answers_is_known_as_such(kind):
    """Each field of a condition reads no receipt, or is among those that are said to."""

    class Untouched:
        def __getattr__(self, name):
            raise AssertionError(f"reads the receipt's {name}")

    whole = block(value="0x5")
    for name, known in scope_for(kind).fields.items():
        if "[" in name or name == "args":
            continue
        facts = Facts(
            "ethereum", 1, whole.header, whole.transactions[0], Untouched(), lambda _: True,
            withdrawal=None, delegation=None,
        )  # fmt: skip
        try:
            eval(known.source, {"f": facts, "int": int})
            reads = False
        except AssertionError:
            reads = True
        except AttributeError:  # of what carries no transaction
            reads = False
        assert reads == (known.source in OF_RECEIPT), name


def test_conditions_name_what_they_read():
    """A comparison of what a receipt says is known as one."""
    asks = compile_condition("transaction.gas_used > 1", scope_for("native"))
    does_not = compile_condition("amount > 1", scope_for("native"))

    assert (asks.asks_receipt, does_not.asks_receipt) == (True, False)


def test_other_networks_rules_need_nothing_here():
    """A rule about tokens elsewhere leaves this network's blocks without receipts, until it goes."""
    index = asking([rule_of(Kind.NATIVE)], [A])
    elsewhere = replace(MONITOR, id="mo_2", networks=("bsc", "base"))
    index.put(elsewhere)
    here = needed(index).all
    there = needed(index, "bsc").all
    index.put(replace(elsewhere, networks=("ethereum",)))
    moved = needed(index).all, needed(index, "bsc").all
    index.remove("mo_2")

    assert (here, there, moved) == (False, True, (True, False))
    assert not needed(index).all


def test_nobody_asks_about_a_network():
    """Then none is needed."""
    assert not needed(Index()).all


@pytest.mark.parametrize("to", [B, None])
def test_a_creation_is_needed_for_its_address(to):
    """Only its receipt says who receives; a transfer between strangers is not needed."""
    index = asking([rule_of(Kind.NATIVE)], ["0x" + "9" * 40])
    whole = block(value="0x5", to=to, created=None if to else "0x" + "9" * 40)
    known = needed(index).of(spared(whole, ()), MANY)

    assert bool(known) == (to is None)
    assert find_matches(spared(whole, known), "ethereum", 1, index) == find_matches(
        whole, "ethereum", 1, index
    )


def test_a_block_says_when_it_holds_too_little():
    """By what is asked at the end: logs now, or a transaction whose receipt is not known."""
    index, other = (
        asking([rule_of(Kind.NATIVE)], ["0x" + "9" * 40]),
        asking([rule_of(Kind.NATIVE)], [A]),
    )
    light = spared(block(value="0x5"), needed(index).of(spared(block(value="0x5"), ()), MANY))
    tokens = asking([rule_of(Kind.ERC20)], ["0x" + "9" * 40])

    def known(asked):
        return is_known(light, "ethereum", asked, find_matches(light, "ethereum", 1, asked))

    assert (known(index), known(other), known(tokens)) == (True, False, False)
    assert is_known(block(value="0x5"), "ethereum", tokens, [])


def test_no_more_are_looked_for_than_are_asked_for_singly():
    """Of a block with many matches, each of whose receipts would come with all the others."""
    index = asking([rule_of(Kind.NATIVE)])
    [document] = [each for each in recorded.documents(1) if len(each["receipts"]) > 100][:1]
    light = spared(recorded.as_block(document), ())

    assert len(needed(index).of(light, MANY)) > 30
    assert len(needed(index).of(light, 20)) == 21
