"""Block access lists (EIP-7928), as execution-apis and the clients before it serve them."""

import msgspec
import pytest

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.development.simulator.state import State
from crypitor.errors import NodeUnavailable
from crypitor.evm.access_lists import changed_accounts
from crypitor.worker.access_lists import FAILED_SECONDS, METHODS, WITHOUT_SECONDS, AccessLists
from crypitor.worker.node import Node
from crypitor.worker.rpc import Answer, Refusal
from tests.patience import HANG_SECONDS

BLOCK = "0x" + "ab" * 32
FEED, PAYER, READER = ("0x" + digits * 20 for digits in ("0f", "a9", "c0"))
WORD = "0x" + "0" * 63
# As the schema of execution-apis has it: https://github.com/ethereum/execution-apis,
# src/schemas/block-access-list.yaml.
LIST = [
    {
        "address": FEED,
        "storageChanges": [{"key": WORD + "0", "changes": [{"index": "0x1", "value": WORD + "1"}]}],
        "storageReads": [WORD + "2"],
        "balanceChanges": [], "nonceChanges": [], "codeChanges": [],
    },
    {
        "address": PAYER.replace("a", "A"),
        "storageChanges": [], "storageReads": [],
        "balanceChanges": [{"index": "0x1", "value": "0x56bc75e2d63100000"}],
        "nonceChanges": [{"index": "0x1", "value": "0x7"}], "codeChanges": [],
    },
    {
        "address": READER,
        "storageChanges": [], "storageReads": [WORD + "9"],
        "balanceChanges": [], "nonceChanges": [], "codeChanges": [],
    },
]  # fmt: skip
NO_METHOD = Answer(1, error=Refusal(-32601, "the method does not exist/is not available"))


def served(result):
    return Answer(1, msgspec.Raw(msgspec.json.encode(result)))


class Asked:
    """In the place of requests to a node: an answer to each method."""

    def __init__(self, **answers):
        self.answers = answers
        self.calls = []

    async def ask(self, calls):
        [call] = calls
        self.calls.append(call.method)
        assert call.params == (BLOCK,)
        answer = self.answers.get(call.method, NO_METHOD)
        if isinstance(answer, Exception):
            raise answer
        return [answer]


def test_who_was_changed_is_told_and_who_was_read_is_not():
    """Storage, balance, nonce or code; in lower case whatever the node writes."""
    assert changed_accounts(msgspec.json.encode(LIST)) == {FEED, PAYER}
    assert changed_accounts(b'[{"address":"' + FEED.encode() + b'"}]') == frozenset()


@pytest.mark.parametrize("method", METHODS)
async def test_the_method_that_a_node_has_is_found_once(method):
    """That of execution-apis, else the one that clients had before."""
    asked = Asked(**{method: served(LIST)})
    lists = AccessLists(asked)
    for _ in range(3):
        assert await lists.changed(BLOCK) == {FEED, PAYER}

    assert asked.calls[-3:] == [method] * 3
    assert len(asked.calls) == 3 + METHODS.index(method)


@pytest.mark.parametrize(
    "answer",
    [
        NO_METHOD,
        Answer(1, error=Refusal(-32001, "Resource not found")),
        Answer(1, error=Refusal(4445, "not available for pre-Amsterdam blocks")),
        served([{"no": "address"}]),
        served("0xc0"),
    ],
)
async def test_a_node_without_lists_is_asked_again_after_an_hour(answer):
    """Before Amsterdam there are none; a form that is not known is none either."""
    now = [0.0]
    asked = Asked(eth_getBlockAccessList=answer)
    lists = AccessLists(asked, timer=lambda: now[0])
    assert await lists.changed(BLOCK) is None
    first = len(asked.calls)
    assert await lists.changed(BLOCK) is None
    assert len(asked.calls) == first
    now[0] = WITHOUT_SECONDS
    asked.answers["eth_getBlockAccessList"] = served(LIST)

    assert await lists.changed(BLOCK) == {FEED, PAYER}


@pytest.mark.parametrize(
    "answer",
    [
        served(None),
        Answer(1, error=Refusal(4444, "Pruned history unavailable")),
        Answer(1, error=Refusal(-32000, "header not found")),
    ],
)
async def test_of_the_next_block_it_is_asked_where_only_this_one_has_no_list(answer):
    """A block that the node does not have yet, or whose list it has thrown away."""
    asked = Asked(eth_getBlockAccessList=answer)
    lists = AccessLists(asked)
    assert await lists.changed(BLOCK) is None
    asked.answers["eth_getBlockAccessList"] = served(LIST)

    assert await lists.changed(BLOCK) == {FEED, PAYER}


async def test_a_node_that_fails_at_lists_is_left_alone_with_them_for_a_minute():
    """It is no bad node for that: all else is asked of it as before."""
    now = [0.0]
    asked = Asked(eth_getBlockAccessList=NodeUnavailable("HTTP 500"))
    lists = AccessLists(asked, timer=lambda: now[0])
    assert [await lists.changed(BLOCK) for _ in range(3)] == [None] * 3
    assert len(asked.calls) == 1
    now[0] = FAILED_SECONDS
    asked.answers["eth_getBlockAccessList"] = served(LIST)

    assert await lists.changed(BLOCK) == {FEED, PAYER}


async def test_a_simulated_node_lists_what_its_blocks_change():
    """Whoever paid, was paid, sent or holds tokens that moved; by the block's hash alone."""
    chain = SimulatedChain(3, transfers=(5, 20), withdrawals=(1, 3), access_lists=True)
    chain.mine(20)
    async with SimulatorServer(chain) as server:
        node = Node(server.url, "node", chain_id=chain.chain_id,
                    timeout_seconds=HANG_SECONDS, verify="off")  # fmt: skip
        found = [await node.changed(block_hash) for block_hash in chain.canonical()]
        await node.close()

    state = State(chain.by_hash)
    for block_hash, changed in zip(chain.canonical(), found, strict=True):
        block = chain.by_hash(block_hash)
        assert {mined.signed.sender for mined in block.transactions} <= changed
        assert {one.address for one in block.withdrawals if one.amount} <= changed
        before = chain.by_hash(block.parent_hash)
        for actor in chain.actors if before else ():
            had, has = (state.balance(one, actor.address) for one in (before, block))
            assert had == has or actor.address in changed
