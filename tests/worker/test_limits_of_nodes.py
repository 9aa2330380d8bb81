"""Nodes that take fewer calls at once, or give receipts only singly: every block comes all the same."""

import pytest
from aiohttp import web

from crypitor.errors import NodeUnavailable, Unproven
from crypitor.worker.batches import KEPT_SECONDS, POINTLESS_SECONDS, Batches, Refused
from crypitor.worker.receipts import USELESS_BLOCKS, Bulk
from tests.worker.faulty import FaultyNode, altered, unprovable


class LimitedNode(FaultyNode):
    """A node that answers requests of more calls than `most` as `refuse` says.

    sizes: of every request.
    """

    most = 1
    refuse = None
    sizes: list[int]

    async def _post(self, request):
        asked = await request.json()
        count = len(asked) if isinstance(asked, list) else 1
        self.sizes.append(count)
        if count > self.most:
            return self.refuse(asked)
        return await super()._post(request)


@pytest.fixture
async def limited(server):
    async with LimitedNode(server.url) as node:
        node.sizes = []
        yield node


def error_of(status):
    return lambda _: web.Response(status=status, text="no")


def one_error(asked):
    return web.json_response(
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "plan"}}
    )


def list_of_one_error(asked):
    error = {"code": -32600, "message": "batch"}
    return web.json_response([{"jsonrpc": "2.0", "id": asked[0]["id"], "error": error}])


def error_each(asked):
    error = {"code": -32005, "message": "limit"}
    return web.json_response([{"jsonrpc": "2.0", "id": one["id"], "error": error} for one in asked])


def too_few(asked):
    return web.json_response(
        [{"jsonrpc": "2.0", "id": one["id"], "result": "0x539"} for one in asked[:1]]
    )


REFUSALS = {
    **{f"HTTP {status}": error_of(status) for status in (400, 403, 413, 422, 429, 500, 501)},
    "one error": one_error,
    "a list of one error": list_of_one_error,
    "an error for each call": error_each,
    "too few answers": too_few,
    "no answers": lambda _: web.json_response([]),
    "HTML": lambda _: web.Response(text="<html>", content_type="text/html"),
}


@pytest.mark.parametrize("refuse", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("most", [1, 2, 3, 5])
async def test_a_batch_that_is_refused_is_asked_in_halves(limited, chain, open_node, most, refuse):
    """Whatever a node says to too many calls, the same look brings the block."""
    limited.most, limited.refuse = most, refuse
    node = open_node(limited.url)

    sight = await node.next(7, tags=True)

    assert sight.block.header.hash == chain.by_number(7).hash
    assert sight.head.hash == chain.head.hash
    assert (sight.safe, sight.finalized) == (8, 6)


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_the_size_is_remembered_and_shown(limited, open_node, most):
    """After the first look nothing is refused any more, and the node says why not more is asked."""
    limited.most, limited.refuse = most, error_of(413)
    node = open_node(limited.url)
    await node.next(5, tags=True)
    limited.sizes.clear()

    for number in (6, 7, 8):
        await node.next(number, tags=True)

    assert max(limited.sizes) <= most
    assert node.batch_calls <= most
    assert any("413" in one for one in node.limits)


async def test_headers_come_within_the_size(limited, chain, open_node):
    """What is asked in batches of fifty comes in as many requests as the node wants, in order."""
    limited.most, limited.refuse = 3, error_of(500)

    found = await open_node(limited.url).headers(0, 10)

    assert [one.hash for one in found] == chain.canonical()


async def test_a_refusal_for_once_is_not_remembered(limited, open_node):
    """A node that took as many before, and refuses once, has no limit: it is asked as before."""
    limited.most, limited.refuse = 50, error_of(500)
    node = open_node(limited.url)
    await node.next(5)
    limited.most = 1
    await node.next(6)
    limited.most = 50
    limited.sizes.clear()

    await node.next(7)

    assert node.batch_calls is None
    assert max(limited.sizes) >= 3


async def test_a_limit_that_comes_later_is_remembered(limited, open_node):
    """A plan may change while we run: the second refusal in a row is a limit."""
    limited.most, limited.refuse = 50, error_of(500)
    node = open_node(limited.url)
    await node.next(5)
    limited.most = 2

    for number in (6, 7):
        assert (await node.next(number)).block is not None

    assert node.batch_calls in (1, 2)


async def test_a_node_that_takes_nothing_is_unavailable(limited, open_node):
    """Where single calls are refused too, the number of calls is not the trouble."""
    limited.most, limited.refuse = 0, error_of(500)
    node = open_node(limited.url)

    for _ in range(2):
        with pytest.raises(NodeUnavailable, match="500"):
            await node.next(5)

    assert node.batch_calls is None
    assert len(limited.sizes) < 6


async def test_checks_the_chain_also_of_single_calls(limited, open_node):
    """A node of another chain is refused however few calls it takes."""
    limited.most, limited.refuse = 1, error_of(400)

    with pytest.raises(NodeUnavailable, match="chain id is 1337"):
        await open_node(limited.url, chain_id=1).next(5)


async def test_a_pause_that_is_asked_for_goes_first(limited, open_node):
    """Retry-After is honoured once; if more calls are refused after it again, fewer are asked."""
    limited.most = 2
    limited.refuse = lambda _: web.Response(status=429, headers={"Retry-After": "1"})
    node = open_node(limited.url)
    with pytest.raises(NodeUnavailable) as caught:
        await node.next(5)

    assert caught.value.retry_after == 1
    assert (await node.next(5)).block is not None


def test_a_larger_request_is_tried_again_later():
    """Limits end: after ten minutes as many as ever are asked, and if that is refused, twice as late."""
    batches = Batches()
    refused = Refused("no")
    refused.calls = 6
    batches.found(3, refused, 0.0)
    assert batches.most(KEPT_SECONDS - 1) == 3
    assert batches.most(KEPT_SECONDS) is None

    batches.found(3, refused, KEPT_SECONDS)
    assert batches.most(3 * KEPT_SECONDS - 1) == 3

    batches.taken(6)
    assert (batches.most(0.0), batches.limit) == (None, None)


def test_what_was_pointless_is_not_done_again_at_once():
    """A node that is down is not asked three times for each look."""
    batches = Batches()
    refused = Refused("no")
    refused.calls = 4
    batches.pointless(100.0)

    assert not batches.may_be_too_many(refused, 100.0)
    assert batches.may_be_too_many(refused, 100.0 + POINTLESS_SECONDS)


# Receipts


def refusing(code, message):
    def change(_, answer):
        answer.pop("result", None)
        answer["error"] = {"code": code, "message": message}

    return altered("eth_getBlockReceipts", change)


def told(change):
    def alter(_, answer):
        answer["result"] = change(answer["result"])

    return altered("eth_getBlockReceipts", alter)


USELESS = {
    "disabled": refusing(-32000, "the method is disabled on this node"),
    "other words": refusing(-32603, "upgrade your plan"),
    "no words": refusing(0, ""),
    "none": told(lambda _: []),
    "without the last": told(lambda found: found[:-1]),
    "without the first": told(lambda found: found[1:]),
    "one twice": told(lambda found: [*found, found[-1]]),
}


@pytest.mark.parametrize("number", [5, 10])
@pytest.mark.parametrize("alter", USELESS.values(), ids=USELESS)
async def test_useless_receipts_are_asked_one_by_one(faulty, chain, open_node, alter, number):
    """Refused in any words, too few or too many: the block is proven by single receipts, at once."""
    faulty.alter = alter

    sight = await open_node(faulty.url).next(number)

    assert sight.block.header.hash == chain.by_number(number).hash


async def test_single_receipts_must_prove_the_block_too(faulty, open_node):
    """What comes one by one is believed no more than what comes at once."""

    def alter(asked, answers):
        USELESS["disabled"](asked, answers)
        unprovable()(asked, answers)

    faulty.alter = alter

    with pytest.raises(Unproven):
        await open_node(faulty.url).next(5)


async def test_after_three_blocks_receipts_are_asked_singly_at_once(faulty, open_node):
    """What never works is not tried any more, and the node shows why."""
    faulty.alter = USELESS["disabled"]
    node = open_node(faulty.url)
    for number in (3, 4, 5):
        await node.next(number)
    faulty.posts.clear()

    assert (await node.next(6)).block is not None
    assert not any("eth_getBlockReceipts" in post for post in faulty.posts)
    assert any("the method is disabled on this node" in one for one in node.limits)


def test_one_good_block_begins_the_count_anew():
    """A backend that is broken among others does not change how all are asked."""
    bulk = Bulk()
    for _ in range(5):
        bulk.useless("[]", 0.0)
        bulk.useless("[]", 0.0)
        bulk.worked()
    assert bulk.is_used(0.0)

    for _ in range(USELESS_BLOCKS):
        bulk.useless("[]", 0.0)

    assert not bulk.is_used(0.0)


@pytest.mark.parametrize("number", [5, 10])
async def test_receipts_that_stay_null_are_asked_singly(faulty, open_node, number):
    """A node that answers null for receipts that it has holds up no block."""
    faulty.alter = told(lambda _: None)
    node = open_node(faulty.url)

    for _ in range(3):
        try:
            sight = await node.next(number)
        except NodeUnavailable:
            continue

    assert sight.block.header.number == number


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda found: [None, *found[1:]], id="null among them"),
        pytest.param(lambda found: [{**found[0], "logs": 5}, *found[1:]], id="not receipts"),
        pytest.param(lambda found: {}, id="not a list"),
        pytest.param(lambda found: found[::-1], id="another order"),
    ],
)
async def test_receipts_that_stay_wrong_are_asked_singly(faulty, open_node, damage):
    """Other nodes are asked first; a block that can be proven does not wait for ever."""
    faulty.alter = told(damage)
    node = open_node(faulty.url)
    for _ in range(2):
        with pytest.raises(NodeUnavailable):
            await node.next(5)

    assert (await node.next(5)).block.header.number == 5


async def test_both_limits_at_once(limited, chain, open_node):
    """One call a request and no receipts in bulk: every block comes, with whatever it takes."""
    limited.most, limited.refuse = 1, one_error
    limited.alter = USELESS["other words"]
    node = open_node(limited.url)

    found = [(await node.next(number)).block.header.hash for number in range(11)]

    assert found == chain.canonical()
