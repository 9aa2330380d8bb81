"""Balances and views: what a look comes to, and which of them a block touched."""

import pytest
from eth_abi import encode as other

from crypitor.evm.types import Block, Header, Log, Receipt, Transaction, Withdrawal
from crypitor.monitor.becoming import State
from crypitor.monitor.gauges import Standing, due_after, gauges_of, look, rule_key
from crypitor.monitor.index import Index
from crypitor.monitor.models import Kind, Monitor, rule_of
from crypitor.monitor.prepared import prepare
from crypitor.monitor.touched import touched

ACCOUNT, OTHER, TOKEN, FEED = ("0x" + each * 20 for each in ("a1", "b2", "c3", "d4"))
ETHER = 10**18


def monitor_of(*rules):
    return Monitor("mo_1", "pr_1", "Hot wallet", ("dev",), rules, False, (), frozenset(), None,
                   (), "", True, 0, 0)  # fmt: skip


def header_at(number, branch="a"):
    return Header(number, f"0x{branch}{number:063x}", f"0x{branch}{number - 1:063x}", 1000 + number)


def word(value):
    return f"0x{value:064x}"


class Watched:
    """A gauge that is looked at block after block."""

    def __init__(self, **rule):
        self.rule = rule_of(**rule)
        monitor = monitor_of(self.rule)
        [self.gauge] = gauges_of(monitor, prepare(self.rule), "dev", [(ACCOUNT, "hot")])
        self.standing = Standing()
        self.number = 0

    def shows(self, answer):
        """What the next look tells: nothing, "began" or "ended"."""
        self.number += 1
        looked = look(self.gauge, self.standing, header_at(self.number), 1, answer)
        if looked is None:
            return "nothing"
        self.standing = looked.standing
        return "began" if looked.match else "ended" if looked.ended else ""


def test_a_balance_tells_once_until_it_has_risen_again():
    """Drained, it is told; further drained, it is not; refilled and drained again, it is."""
    watched = Watched(kind=Kind.BALANCE, where="balance < 5 ether")
    told = [watched.shows(word(ether * ETHER)) for ether in (9, 4, 3, 6, 5, 1)]
    assert told == ["", "began", "", "ended", "", "began"]


def test_with_a_rearm_it_has_to_rise_that_far():
    """Between `where` and `rearm` nothing is told, however often it goes up and down."""
    watched = Watched(kind=Kind.BALANCE, where="balance < 5 ether", rearm="balance > 8 ether")
    told = [watched.shows(word(ether * ETHER)) for ether in (4, 6, 4, 7, 4, 9, 4)]
    assert told == ["began", "", "", "", "", "ended", "began"]


def test_a_change_is_of_the_look_before():
    """A fall of a tenth is told of the look in which it is that; the first look has none."""
    watched = Watched(kind=Kind.BALANCE, where="change <= -10%")
    told = [watched.shows(word(value)) for value in (100, 90, 85, 84, 70)]
    assert told == ["", "began", "ended", "", "began"]


@pytest.mark.parametrize("answer", [None, "0x", "0x12"])
def test_a_balance_without_an_answer_is_not_zero(answer):
    """A token that fails, and an address without code, say nothing of a balance."""
    watched = Watched(kind=Kind.BALANCE, contracts=frozenset([TOKEN]), where="balance == 0")
    assert watched.shows(answer) == "nothing"
    assert watched.shows(word(0)) == "began"


def test_a_view_is_read_by_what_it_returns():
    """The names of the signature's outputs are those of `result` and `previous`."""
    watched = Watched(
        kind=Kind.VIEW,
        contracts=frozenset([FEED]),
        signature="function latestRoundData() view returns (uint80 roundId, int256 answer)",
        where="result.answer < 10 and result[0] != previous.roundId",
    )
    told = [
        watched.shows("0x" + other(["uint80", "int256"], pair).hex())
        for pair in ((1, 20), (2, 9), (2, 8), (3, 7))
    ]
    assert told == ["", "began", "ended", "began"]


def test_a_view_that_reverts_can_be_told_and_is_no_result():
    """`reverted` is true then, and what asks for the result has no answer."""
    feed = {"kind": Kind.VIEW, "contracts": frozenset([FEED]),
            "signature": "function price() view returns (uint256)"}  # fmt: skip
    assert Watched(**feed, where="reverted").shows(None) == "began"
    watched = Watched(**feed, where="result < 5")
    assert [watched.shows(each) for each in (word(4), None, "0x", word(6))] == [
        "began", "", "", "ended",
    ]  # fmt: skip
    assert watched.standing.state is State.ARMED


def test_a_view_is_called_with_its_arguments():
    """The input is the selector and the arguments, the target the contract."""
    watched = Watched(
        kind=Kind.VIEW,
        contracts=frozenset([FEED]),
        signature="function allowance(address owner, address spender) view returns (uint256)",
        args={"owner": ACCOUNT, "spender": OTHER},
    )
    target, data = watched.gauge.read
    assert target == FEED
    assert data == "0xdd62ed3e" + other(["address", "address"], [ACCOUNT, OTHER]).hex()


def test_the_id_of_a_match_is_of_its_block_and_gauge():
    """The same look has the same id again; another block, or another rule, another one."""
    watched = Watched(kind=Kind.BALANCE, where="balance < 5")
    first, again, elsewhere = (
        look(watched.gauge, Standing(), header, 1, word(1)).match.id
        for header in (header_at(7), header_at(7), header_at(7, "b"))
    )
    stricter = Watched(kind=Kind.BALANCE, where="balance < 4")
    third = look(stricter.gauge, Standing(), header_at(7), 1, word(1)).match.id
    assert first == again
    assert len({first, elsewhere, third}) == 3


def test_a_gauge_stays_itself_unless_it_asks_something_else():
    """How often it is asked, and which other contracts a rule has, make no other gauge."""
    key = rule_key(rule_of(Kind.BALANCE, where="balance < 5"))
    assert key == rule_key(rule_of(Kind.BALANCE, where="balance < 5", every_seconds=60))
    assert key == rule_key(rule_of(Kind.BALANCE, where="balance < 5", contracts=frozenset([TOKEN])))
    assert key != rule_key(rule_of(Kind.BALANCE, where="balance < 5", rearm="balance > 6"))


def test_each_token_of_each_account_is_a_gauge():
    """Two accounts and two tokens are four balances."""
    rule = rule_of(Kind.BALANCE, contracts=frozenset([TOKEN, FEED]), where="balance == 0")
    found = list(
        gauges_of(monitor_of(rule), prepare(rule), "dev", [(ACCOUNT, None), (OTHER, None)])
    )
    assert {(each.subject, each.contract) for each in found} == {
        (account, token) for account in (ACCOUNT, OTHER) for token in (TOKEN, FEED)
    }
    assert len({each.id for each in found}) == 4


def test_it_is_due_by_the_chains_own_time():
    """Blocks and seconds are counted from the block of the look."""
    rule = rule_of(Kind.BALANCE, where="balance < 5", every_seconds=60, every_blocks=10)
    assert due_after(rule, header_at(7)) == (17, 1067)
    assert due_after(rule_of(Kind.BALANCE, where="balance < 5"), header_at(7)) == (None, None)


def block_of(*transactions, logs=(), withdrawals=()):
    receipts = tuple(
        Receipt(each.hash, "0x0", "0x", logs if place == 0 else ())
        for place, each in enumerate(transactions)
    )
    return Block(header_at(5), transactions, receipts, withdrawals=withdrawals)


def transaction(sender, to, value="0x0"):
    return Transaction("0x" + "77" * 32, "0x0", "0x", sender, value, to)


def index_of(*rules, networks=("dev",)):
    index = Index()
    index.put(monitor_of(*rules))
    index.add_addresses("mo_1", [(ACCOUNT, None)])
    return index


BALANCE = rule_of(Kind.BALANCE, where="balance < 5")
PADDED = "0x" + "00" * 12 + ACCOUNT[2:]


@pytest.mark.parametrize(
    "block",
    [
        block_of(transaction(ACCOUNT, OTHER)),
        block_of(transaction(OTHER, ACCOUNT, "0x1")),
        block_of(
            transaction(OTHER, TOKEN),
            logs=(Log(TOKEN, ("0x" + "e1" * 32, PADDED), "0x", "0x0", "0x", "0x"),),
        ),
        block_of(withdrawals=(Withdrawal("0x1", "0x1", ACCOUNT, "0x5"),)),
    ],
    ids=["sent", "received", "named in a log", "withdrawn"],
)
def test_an_account_is_touched_by_whatever_may_have_changed_it(block):
    """Also by a transaction without value, which it pays for, and by any log that names it."""
    assert touched(block, index_of(BALANCE), "dev") == [ACCOUNT]


def test_nobody_else_is_touched():
    """Not who is not in the block, nor on another network, nor watched for transfers alone."""
    block = block_of(transaction(ACCOUNT, OTHER))
    assert touched(block, index_of(BALANCE), "other") == []
    assert touched(block, index_of(rule_of(Kind.NATIVE)), "dev") == []
    assert touched(block_of(transaction(OTHER, TOKEN)), index_of(BALANCE), "dev") == []


def test_a_contract_is_touched_by_calls_and_logs():
    """A view is asked where its contract was called or emitted something."""
    view = rule_of(
        Kind.VIEW, contracts=frozenset([FEED]), signature="p() returns (uint8)", where="result > 5"
    )
    index = index_of(view)
    log = Log(FEED, ("0x" + "e1" * 32,), "0x", "0x0", "0x", "0x")
    assert touched(block_of(transaction(OTHER, FEED)), index, "dev") == [FEED]
    assert touched(block_of(transaction(OTHER, TOKEN), logs=(log,)), index, "dev") == [FEED]
    assert touched(block_of(transaction(ACCOUNT, TOKEN)), index, "dev") == []
    index.remove("mo_1")
    assert touched(block_of(transaction(OTHER, FEED)), index, "dev") == []
