import subprocess
import sys
from dataclasses import astuple

import pytest

from crypitor.development.simulator.chain import SimulatedChain
from tests.development.simulator.served import served, served_chain
from tests.effort import rounds

FEW = {"transfers": (3, 8), "actors": 12}
"""Small blocks, for tests that look at their order and not at their contents."""

MOST_ROUNDS = 1_000_000
"""Of a plain loop, for a block; it needs a quarter of them."""


def positions(chain, blocks):
    """Transaction hash → (block number, index) within the given blocks."""
    return {
        mined.signed.hash: (chain.by_hash(each).number, mined.index)
        for each in blocks
        for mined in chain.by_hash(each).transactions
    }


def story(chain):
    """A chain's life with every operation."""
    chain.mine(6)
    chain.reorg(2)
    chain.mine(2)
    chain.reorg(3, 1)
    chain.mine(1)
    return chain


def test_the_same_seed_gives_the_same_chain():
    """Two chains with the same seed and the same calls have the same hashes."""
    assert (
        story(SimulatedChain(5, **FEW)).canonical() == story(SimulatedChain(5, **FEW)).canonical()
    )


def test_the_chain_does_not_depend_on_the_process():
    """Another process, with another hash seed, makes the same chain."""
    program = (
        "from crypitor.development.simulator.chain import SimulatedChain;"
        "chain = SimulatedChain(5, transfers=(3, 8), actors=12);"
        "chain.mine(4); chain.reorg(2); print(chain.head.hash)"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    chain = SimulatedChain(5, **FEW)
    chain.mine(4)
    chain.reorg(2)

    assert other.stdout.strip() == chain.head.hash


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"seed": 6}, id="seed"),
        pytest.param({"chain_id": 1338}, id="chain id"),
        pytest.param({"genesis_time": 1}, id="genesis time"),
    ],
)
def test_another_parameter_gives_another_chain(change):
    """Not even the genesis block is shared."""
    arguments = {"seed": 5, **FEW}
    one, other = SimulatedChain(**arguments), SimulatedChain(**(arguments | change))
    one.mine(2)
    other.mine(2)

    assert not set(one.canonical()) & set(other.canonical())


def test_mining_one_by_one_is_mining_at_once():
    """Three calls of mine() give what mine(3) gives."""
    one, other = SimulatedChain(5, **FEW), SimulatedChain(5, **FEW)
    mined = one.mine(3)
    for _ in range(3):
        other.mine()

    assert one.canonical() == other.canonical()
    assert [block.hash for block in mined] == one.canonical()[1:]


def test_timestamps_follow_from_the_number():
    """Block n is n times the block time after the genesis block; a reorg changes nothing in that."""
    chain = SimulatedChain(5, genesis_time=1000, block_seconds=12, transfers=(0, 1))
    chain.mine(4)
    chain.reorg(2)

    assert [chain.by_hash(each).timestamp for each in chain.canonical()] == [
        1000,
        1012,
        1024,
        1036,
        1048,
        1060,
    ]


def test_a_timestamp_can_be_told():
    """The first block mined gets the time that is told, and time never runs back after it."""
    chain = SimulatedChain(5, genesis_time=1000, block_seconds=1, transfers=(0, 1))
    chain.mine(2, timestamp=5000)

    assert [chain.by_hash(each).timestamp for each in chain.canonical()] == [1000, 5000, 5000]


@pytest.mark.parametrize(
    "depth, length, head",
    [
        pytest.param(1, None, 11, id="one longer by default"),
        pytest.param(4, 4, 10, id="as long"),
        pytest.param(5, 2, 7, id="shorter"),
        pytest.param(3, 9, 16, id="much longer"),
        pytest.param(2, 0, 8, id="blocks taken away"),
        pytest.param(10, None, 11, id="down to the genesis block"),
    ],
)
def test_a_reorg_replaces_the_last_blocks(depth, length, head):
    """The blocks below stay, those above are others, linked and readable."""
    chain = SimulatedChain(5, **FEW)
    chain.mine(10)
    before = chain.canonical()
    chain.reorg(depth, length)
    after = chain.canonical()

    assert chain.head.number == head
    assert after[: 11 - depth] == before[: 11 - depth]
    assert not set(after[11 - depth :]) & set(before)
    assert [served(chain.by_hash(each)).block["parentHash"] for each in after[1:]] == after[:-1]


def test_orphaned_blocks_stay_readable():
    """By hash an orphaned block is what it was; by number there is the new one."""
    chain = SimulatedChain(5, **FEW)
    chain.mine(3)
    orphan = chain.head
    truth = chain.truth(orphan.hash)
    chain.reorg(1)

    assert chain.by_hash(orphan.hash) is orphan
    assert chain.truth(orphan.hash) == truth
    assert chain.by_number(3) is not orphan


def test_empty_branches_differ_too():
    """Two blocks without transactions at the same height do not have the same hash."""
    chain = SimulatedChain(5, transfers=(0, 0))
    chain.mine(2)
    old = chain.head
    chain.reorg(1, 1)

    assert chain.head.hash != old.hash


@pytest.fixture(scope="module")
def branches():
    """Where transactions were before a reorg and after it, for twenty chains."""
    found = []
    for seed in range(20):
        chain = SimulatedChain(seed)
        chain.mine(5)
        old = positions(chain, chain.canonical()[4:])
        chain.reorg(2)
        found.append((old, positions(chain, chain.canonical()[4:])))
    return found


def test_orphaned_transactions_meet_every_fate(branches):
    """Of the orphaned transactions some stay where they were, some move, some are lost."""
    fates = {"stays": 0, "moves within": 0, "moves to another block": 0, "lost": 0, "new": 0}
    for old, new in branches:
        both = old.keys() & new.keys()
        fates["lost"] += len(old.keys() - both)
        fates["new"] += len(new.keys() - both)
        for each in both:
            same_block = old[each][0] == new[each][0]
            fates["stays"] += old[each] == new[each]
            fates["moves within"] += same_block and old[each] != new[each]
            fates["moves to another block"] += not same_block

    assert min(fates.values()) > 20


def test_a_transaction_may_fail_where_it_is_mined_again():
    """A token that was minted in an orphaned block is not there: its transfer fails in the new one."""
    changed = 0
    for seed in range(30):
        chain = SimulatedChain(seed, actors=20)
        chain.mine(4)
        old = {m.signed.hash: m.succeeded for n in (3, 4) for m in chain.by_number(n).transactions}
        for block in chain.reorg(2):
            for mined in block.transactions:
                changed += old.get(mined.signed.hash, False) and not mined.succeeded

    assert changed > 0


def test_transactions_mined_again_can_pay():
    """The base fee was higher in earlier blocks: what moves there still covers it."""
    for seed in range(8):
        chain = SimulatedChain(seed)
        chain.mine(6)
        for block in chain.reorg(6):
            for receipt in served(block).receipts:
                assert int(receipt["effectiveGasPrice"], 16) >= block.base_fee


def test_state_is_right_after_nested_reorgs():
    """Nonces have no gap and tokens one owner at a time along whatever chain is canonical."""
    chain = SimulatedChain(3, actors=30)
    chain.mine(20)
    for depth, length in [(3, None), (2, None), (6, 2), (1, 4), (4, 0), (5, None), (1, None)]:
        chain.reorg(depth, length)
        nonces, owners = {}, {}
        for each in served_chain(chain):
            for tx in each.block["transactions"]:
                expected = nonces.get(tx["from"], 0)

                assert int(tx["nonce"], 16) == expected
                nonces[tx["from"]] = expected + 1
            for one in each.movements:
                kind, source, target, contract, token_id = one[0], *one[5:8], one[9]
                if kind == "erc721":
                    assert owners.get((contract, token_id), "0x" + "00" * 20) == source
                    owners[contract, token_id] = target


def test_orphaned_blocks_have_a_true_truth():
    """The truth of every block, canonical or not, is what its documents say."""
    chain = SimulatedChain(4)
    chain.mine(6)
    chain.reorg(3)
    chain.reorg(2, 1)
    for block in chain._blocks.values():
        found = served(block)

        assert found.movements == [astuple(each) for each in chain.truth(block.hash)]


def test_a_lost_transaction_is_unknown():
    """A transaction is found in its canonical block, and not at all once it is in none."""
    chain = SimulatedChain(5, **FEW)
    chain.mine(3)
    old = positions(chain, chain.canonical()[3:])
    chain.reorg(1)
    new = positions(chain, chain.canonical())
    for each in old.keys() | new.keys():
        found = chain.transaction(each)

        assert (found and (found[0].number, found[1].index)) == new.get(each)


def test_tags_stay_behind_the_head():
    """Safe and finalized are as far behind as told, and never below the genesis block."""
    chain = SimulatedChain(5, transfers=(0, 0), safe_depth=2, finalized_depth=5)
    chain.mine(4)
    early = (chain.safe.number, chain.finalized.number)
    chain.mine(6)

    assert early == (2, 0)
    assert (chain.safe.number, chain.finalized.number) == (8, 5)


def test_tags_may_be_the_head():
    """A depth of 0 names the head."""
    chain = SimulatedChain(5, transfers=(0, 0), safe_depth=0, finalized_depth=0)
    chain.mine(3)

    assert chain.safe is chain.finalized is chain.head


def test_old_blocks_are_forgotten_if_wished():
    """Only the genesis block and the newest ones stay, with their orphans and transactions."""
    chain = SimulatedChain(5, keep_blocks=10, **FEW)
    chain.mine(8)
    early = [*chain.canonical()[1:], *positions(chain, chain.canonical())]
    chain.reorg(2)
    chain.mine(12)
    kept = [n for n in range(chain.head.number + 1) if chain.by_number(n)]

    assert chain.head.number == 21
    assert kept == [0, *range(12, 22)]
    assert [each for each in early if chain.by_hash(each) or chain.transaction(each)] == []
    assert len(chain._blocks) == len(kept)
    assert len(chain.canonical()) == 22
    assert chain.deepest_reorg == 9


def test_a_pruned_chain_is_the_same_chain():
    """Forgetting old blocks changes no hash."""
    one, other = SimulatedChain(5, **FEW), SimulatedChain(5, keep_blocks=3, **FEW)
    for chain in (one, other):
        chain.mine(8)
        chain.reorg(2)

    assert one.canonical() == other.canonical()


@pytest.mark.parametrize(
    "depth, length", [(4, None), (-1, None), (1, -1)], ids=["too deep", "negative", "no length"]
)
def test_an_impossible_reorg_is_refused(depth, length):
    """There is no branch below the genesis block, and none of negative length."""
    chain = SimulatedChain(5, **FEW)
    chain.mine(3)
    before = chain.canonical()
    with pytest.raises(ValueError, match=r"depth|length"):
        chain.reorg(depth, length)

    assert chain.canonical() == before


@pytest.mark.parametrize(
    "arguments", [{"transfers": (3, 2)}, {"transfers": (-1, 2)}, {"actors": 0}, {"safe_depth": -1}]
)
def test_impossible_parameters_are_refused(arguments):
    """A chain that could never be mined is refused at once."""
    with pytest.raises(ValueError, match=r"transfers|actor|depth"):
        SimulatedChain(5, **arguments)


def test_a_branch_is_adopted_only_on_its_own_head():
    """A block that was made before another was mined is dropped, and the chain stays as it is."""
    chain = SimulatedChain(5, **FEW)
    making = chain.making()
    branch = None
    while branch is None:
        try:
            next(making)
        except StopIteration as end:
            branch = end.value
    chain.mine()
    before = chain.canonical()

    assert not chain.adopt(branch)
    assert chain.canonical() == before


@pytest.mark.parametrize("blocks", [60, pytest.param(300, marks=pytest.mark.soak)])
def test_blocks_are_made_in_time(blocks):
    """Those of 20 to 60 transfers, signed, take some 15 ms each, of a second that they have."""
    chain = SimulatedChain(1)
    cost = rounds(lambda: chain.mine(blocks), turns=1)

    assert cost / blocks < MOST_ROUNDS
    assert chain.head.number == blocks


def test_a_chain_goes_back_to_a_branch_that_it_left():
    """Head, order, transactions and nonces are again those of the first branch, which goes on."""
    chain, twin = (SimulatedChain(5, **FEW) for _ in range(2))
    chain.mine(6)
    twin.mine(6)
    left = chain.head
    chain.reorg(3, 5)
    chain.go_back(left.hash)

    assert chain.canonical() == twin.canonical()
    assert chain.head is left
    assert [chain.arrivals[each] for each in chain.canonical()] == [1, 1, 1, 1, 2, 2, 2]
    assert positions(chain, chain.canonical()) == positions(twin, twin.canonical())
    assert all(
        chain.transaction(each)[0].number == number
        for each, (number, _) in positions(chain, chain.canonical()).items()
    )
    chain.mine(3)
    assert chain.head.number == 9
    nonces = {}
    for block in served_chain(chain):
        for tx in block.block["transactions"]:
            assert int(tx["nonce"], 16) == nonces.get(tx["from"], 0)
            nonces[tx["from"]] = int(tx["nonce"], 16) + 1


def test_branches_that_were_left_can_be_listed():
    """Each has one end; the present chain is not among them."""
    chain = SimulatedChain(5, **FEW)
    chain.mine(6)
    first = chain.head
    chain.reorg(3, 5)
    second = chain.head
    chain.reorg(4, 1)

    assert chain.orphaned_heads() == [first, second]
    chain.go_back(second.hash)
    assert [block.number for block in chain.orphaned_heads()] == [6, 5]


@pytest.mark.parametrize("reference", ["canonical", "unknown"])
def test_only_an_orphaned_block_can_be_gone_back_to(reference):
    """Anything else is refused, and changes nothing."""
    chain = SimulatedChain(5, **FEW)
    chain.mine(3)
    before = chain.canonical()
    block_hash = chain.head.parent_hash if reference == "canonical" else "0x" + "00" * 32
    with pytest.raises(ValueError, match="no orphaned block"):
        chain.go_back(block_hash)

    assert chain.canonical() == before


def test_a_branch_that_was_gone_back_to_is_forgotten_once():
    """A chain that keeps few blocks runs on after it went back and forth."""
    chain = SimulatedChain(5, **FEW, keep_blocks=6)
    chain.mine(8)
    first = chain.head
    chain.reorg(2, 3)
    chain.go_back(first.hash)
    chain.mine(20)

    assert chain.orphaned_heads() == []
    assert chain.by_hash(first.hash) is None


def test_how_high_was_built_on_a_block():
    """The greatest height of any branch on top counts, also of those that were left."""
    chain = SimulatedChain(5, **FEW)
    chain.mine(4)
    first = chain.head
    chain.reorg(2, 5)
    second = chain.head
    chain.reorg(5, 1)
    reached = chain.heights_reached()

    assert reached[first.hash] == 4
    assert reached[second.hash] == 7
    assert reached[chain.by_number(2).hash] == 7
    assert reached[chain.head.hash] == 3
