"""The table of inflows in docs/monitors.md: each of its rows is a block, and what is told of it."""

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from crypitor.evm.coins import EIP_7708, ZKSYNC_COIN, coin_transfers
from crypitor.evm.profiles import profile_of
from crypitor.evm.types import Block, InternalTransfer, Withdrawal
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Direction, Kind, rule_of
from tests import recorded
from tests.monitor.test_kinds import indexed
from tests.monitor.test_match import A, B, C, block, erc20, log, topic, word

PAGE = Path(__file__).parents[2] / "docs" / "monitors.md"
MOVES = (Kind.NATIVE, Kind.INTERNAL, Kind.ERC20, Kind.ERC721, Kind.ERC1155, Kind.WITHDRAWAL)
TICKETS = "0x" + "0" * 38 + "6e"
REWARDS = "0x" + "48" * 20
ADDED = "event AddedReceiver(uint256 amount, address indexed receiver, address indexed bridge)"


@dataclass
class Inflow:
    """Blocks of a chain by which an account comes to something.

    recorded: whether a node served them; else they have the form that the chain's specification
    gives.  event: the rule that tells of it, where no transfer does.
    """

    chain_id: int
    account: str
    blocks: tuple[Block, ...]
    recorded: bool = False
    event: str | None = None


def served(chain_id: int, number: int) -> tuple[dict, Block]:
    """A recorded block as JSON and in the product's types, its inner moves by the coin's logs."""
    [doc] = [
        one for one in recorded.documents(chain_id) if int(one["block"]["number"], 16) == number
    ]
    withdrawals = doc["block"].get("withdrawals") or []
    seen = replace(
        recorded.as_block(doc), withdrawals=msgspec.convert(withdrawals, tuple[Withdrawal, ...])
    )
    return doc, replace(seen, traces=coin_transfers(seen, profile_of(chain_id).coin_logs))


def paid() -> Inflow:
    _, seen = served(1, 14000000)
    first = next(one for one in seen.transactions if one.value != "0x0" and one.input == "0x")
    only = [
        (one, told)
        for one, told in zip(seen.transactions, seen.receipts, strict=True)
        if one is first
    ]
    alone = replace(seen, transactions=(only[0][0],), receipts=(only[0][1],), traces=())
    return Inflow(1, first.to or "", (alone,), recorded=True)


def paid_within() -> Inflow:
    for doc in recorded.newest("amsterdam-geth"):
        seen = recorded.as_block(doc)
        inner = coin_transfers(seen, EIP_7708)
        takers = {one.receiver for one in inner} - {one.to for one in seen.transactions}
        if takers:
            return Inflow(1337, min(takers), (replace(seen, traces=inner),), recorded=True)
    raise AssertionError("no inner payment is recorded")


def proposed() -> Inflow:
    doc, seen = served(1, 22431084)
    return Inflow(1, doc["block"]["miner"].lower(), (replace(seen, withdrawals=()),), recorded=True)


def withdrawn() -> Inflow:
    _, seen = served(1, 22431084)
    return Inflow(1, seen.withdrawals[0].address, (seen,), recorded=True)


def deposit() -> tuple[Block, int]:
    doc, seen = served(8453, 77976)
    place = next(
        n for n, one in enumerate(doc["block"]["transactions"]) if int(one.get("mint") or "0x0", 16)
    )
    return seen, place


def deposited() -> Inflow:
    seen, place = deposit()
    return Inflow(8453, seen.transactions[place].to or "", (seen,), recorded=True)


def kept() -> Inflow:
    """The deposit with a value of nothing, and the one that failed; their sender is elsewhere."""
    seen, place = deposit()
    alone = replace(
        seen,
        transactions=seen.transactions[place : place + 1],
        receipts=seen.receipts[place : place + 1],
    )
    [moved], [receipt] = alone.transactions, alone.receipts
    moved = replace(moved, to=C)
    unspent = replace(alone, transactions=(replace(moved, value="0x0"),))
    failed = replace(alone, transactions=(moved,), receipts=(replace(receipt, status="0x0"),))
    return Inflow(8453, moved.sender, (unspent, failed))


def came_back() -> Inflow:
    return Inflow(10, C, (replace(block(), traces=(InternalTransfer(0, 0, B, C, "0x5"),)),))


def bridged() -> Inflow:
    doc, seen = served(137, 147648)
    [receipt] = doc["receipts"]
    told = next(one for one in receipt["logs"] if one["topics"][0].startswith("0x4e2ca051"))
    return Inflow(137, "0x" + told["topics"][2][26:], (seen,), recorded=True)


def rewarded() -> Inflow:
    from crypitor.evm.abi.signature import event_from_text

    added = log(
        event_from_text(ADDED).topic, topic(A), topic(B), data="0x" + word(5), address=REWARDS
    )
    return Inflow(100, A, (block(sender=B, to=C, logs=[added]),), event=ADDED)


def claimed() -> Inflow:
    credited = replace(block(sender=B, to=C), withdrawals=(Withdrawal("0x1", "0x2", A, "0x5"),))
    return Inflow(100, A, (credited, block(sender=B, to=C, logs=[erc20(C, A, 5)])))


def deposited_to_zksync() -> Inflow:
    coin = ZKSYNC_COIN.address
    logs = [erc20(B, A, 5, address=coin), erc20(C, A, 3, address=coin, index="0x1")]
    seen = block("0x5", sender=B, to=A, logs=logs)
    return Inflow(324, A, (replace(seen, traces=coin_transfers(seen, ZKSYNC_COIN)),))


INFLOWS = {
    ("all", "the value of a transaction"): paid,
    ("all", "what a contract pays"): paid_within,
    ("all", "priority fees"): proposed,
    ("Ethereum", "validators' withdrawals"): withdrawn,
    ("OP Mainnet", "a deposit from L1"): deposited,
    ("OP Mainnet", "a deposit whose `mint`"): kept,
    ("OP Mainnet", "withdrawals to L1"): came_back,
    ("Arbitrum", "a deposit of ETH"): lambda: Inflow(42161, B, (block("0x5"),)),
    ("Arbitrum", "what a retryable ticket"): lambda: Inflow(42161, A, (block(to=TICKETS),)),
    ("Polygon", "a deposit of POL"): bridged,
    ("Gnosis", "the bridge's xDAI"): rewarded,
    ("Gnosis", "validators' withdrawals"): claimed,
    ("ZKsync", "a deposit from L1"): deposited_to_zksync,
    ("Celo", "CELO sent"): lambda: Inflow(42220, B, (block(sender=C, to=C, logs=[erc20(A, B, 5)]),)),
}  # fmt: skip


def rows() -> list[tuple[str, str, str]]:
    """Chain, inflow and by what it is seen, of each row; a chain counts until the next one."""
    text = PAGE.read_text(encoding="utf-8").partition("### Which inflow")[2].partition("\n## ")[0]
    found, chain = [], ""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| chain"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            chain = cells[0] or chain
            found.append((chain, *(cell for cell in cells[1:])))
    return found


ROWS = rows()


def inflow_of(row: tuple[str, str, str]) -> Inflow:
    """The block of a row."""
    [make] = [
        make
        for (chain, start), make in INFLOWS.items()
        if row[0].startswith(chain) and row[1].startswith(start)
    ]
    return make()


def kinds(inflow: Inflow, *rules) -> set[str]:
    """The kinds that the account's watcher is told."""
    index = indexed(*rules, addresses=(inflow.account,))
    return {
        str(match.subject.kind)
        for seen in inflow.blocks
        for match in find_matches(seen, "ethereum", inflow.chain_id, index)
    }


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}: {row[1]}"[:50] for row in ROWS])
def test_a_row_says_what_is_told(row):
    """The rules that it names tell of the inflow, and no others; where it says none, none does."""
    inflow = inflow_of(row)
    moves = [rule_of(kind, direction=Direction.IN) for kind in MOVES]
    named = {str(kind) for kind in MOVES if f"`{kind}`" in row[2]}

    assert kinds(inflow, *moves) == (set() if row[2].startswith("none") else named)
    if "`transaction`, `out`" in row[2]:
        sent = rule_of(Kind.TRANSACTION, direction=Direction.OUT)
        assert kinds(inflow, sent) == {"transaction"}
    if inflow.event:
        assert kinds(inflow, rule_of(Kind.EVENT, signature=inflow.event)) == {"event"}
        assert inflow.event.split("(")[0].removeprefix("event ") in row[2]


def test_each_row_is_tried_and_those_on_recorded_blocks_are_named():
    """No row is added without a block; the sentence below names the blocks of real chains."""
    assert len(ROWS) == len(INFLOWS)
    text = PAGE.read_text(encoding="utf-8")
    tried = re.search(r"Each row is a test(.*?)\n\n", text, re.DOTALL)

    assert tried
    for (chain, _), make in INFLOWS.items():
        inflow = make()
        if inflow.recorded and chain != "all":
            [number] = {str(seen.header.number) for seen in inflow.blocks}
            assert number in tried[1], number
