"""Backfills of monitors that ask only for logs: fewer blocks are read, and nothing is missed."""

import itertools

import pytest
import structlog

from crypitor.backfill.span import FIRST, MOST, PATIENCE, Span
from crypitor.evm.profiles import Profile
from crypitor.monitor.models import Direction, Kind, Rule
from tests.backfill.conftest import NOBODY, QUIET
from tests.worker.faulty import altered, without

TOKENS = tuple(Rule(kind) for kind in (Kind.ERC20, Kind.ERC721, Kind.ERC1155))
TOKEN_KINDS = frozenset({"erc20", "erc721", "erc1155"})


async def told_of_one_actor(rig, first=1, last=80, rules=TOKENS, **changes):
    """Backfill the tokens of one actor; returns what is wrong and how much was expected."""
    await rig.monitor(actors=QUIET, rules=rules, **changes)
    await rig.job(first, last)
    await rig.settle()
    return await rig.problems(first, last, actors=QUIET, kinds=TOKEN_KINDS)


async def test_reads_only_blocks_that_may_matter(rig):
    """
    All matches are told though less than half of the blocks were read.
    """
    problems, expected = await told_of_one_actor(rig)

    assert problems == []
    assert expected > 10
    assert 0 < rig.asked("eth_getBlockReceipts") < 40
    assert (await rig.read()).status == "done"


async def test_native_rules_need_whole_blocks(rig):
    """
    A native transfer leaves no log: every block is read.
    """
    await rig.monitor(actors=QUIET, rules=(*TOKENS, Rule(Kind.NATIVE)))
    await rig.job(1, 80)
    await rig.settle()

    assert rig.asked("eth_getBlockReceipts") == 80
    assert rig.asked("eth_getLogs") == 0
    assert (await rig.problems(1, 80, actors=QUIET))[0] == []


async def test_logs_that_a_node_hides_are_found(rig):
    """
    A node that answers that there are no logs at all hides nothing: the blooms tell.
    """

    def hide(request, answer):
        answer["result"] = []

    rig.node.alter = altered("eth_getLogs", hide)

    problems, expected = await told_of_one_actor(rig)

    assert problems == []
    assert expected > 10


async def test_without_blooms_the_node_is_asked_for_logs(rig):
    """
    On a chain whose headers have empty blooms, the blocks with logs are read.
    """

    def empty(request, answer):
        answer["result"]["logsBloom"] = "0x" + "00" * 256

    rig.node.alter = altered("eth_getBlockByNumber", empty)
    await rig.begin(verify="off")

    problems, expected = await told_of_one_actor(rig)

    assert problems == []
    assert expected > 10
    assert rig.asked("eth_getBlockReceipts") < 40


async def test_header_without_bloom_rules_nothing_out(rig):
    """
    Where the header has no bloom, every block is read.
    """

    def drop(request, answer):
        if not request["params"][1]:
            del answer["result"]["logsBloom"]

    rig.node.alter = altered("eth_getBlockByNumber", drop)

    problems, _ = await told_of_one_actor(rig)

    assert problems == []
    assert rig.asked("eth_getBlockReceipts") == 80


@pytest.mark.parametrize(
    "profile",
    [
        Profile("off", bloom=False),
        Profile("settled", root="settled"),
        Profile(uncommitted=frozenset({"system"}), bloom_from=100),
    ],
    ids=["no bloom", "of earlier blocks", "without what is not committed to"],
)
async def test_a_bloom_that_has_not_all_logs_rules_nothing_out(rig, profile):
    """
    Where the profile says that the bloom is no proof, what the node hides is found all the same.
    """

    def empty(request, answer):
        answer["result"]["logsBloom"] = "0x" + "00" * 256

    def hide(request, answer):
        answer["result"] = []

    def alter(asked, answers):
        altered("eth_getBlockByNumber", empty)(asked, answers)
        altered("eth_getLogs", hide)(asked, answers)

    rig.node.alter = alter
    await rig.begin(verify="off", profile=profile)

    problems, expected = await told_of_one_actor(rig)

    assert problems == []
    assert expected > 10


async def test_a_bloom_counts_from_the_block_on_from_which_it_has_all_logs(rig):
    """
    Below that block all are read, above it those that the bloom does not rule out.
    """
    await rig.begin(profile=Profile(bloom_from=41))

    problems, _ = await told_of_one_actor(rig)

    assert problems == []
    assert 40 < rig.asked("eth_getBlockReceipts") < 60


# How nodes and gateways say that a range is too long, some with hints that help nobody.
REFUSALS = [
    {"code": -32005, "message": "query returned more than 10000 results"},
    {"code": -32602, "message": "block range too large: this block range should work: [0x0, 0xff]"},
    {"code": -32000, "message": "exceed maximum block range: 5"},
    {"code": -32614, "message": "eth_getLogs is limited to a 10,000 range"},
    {"code": -32701, "message": "Please specify an address in your request or run your own node"},
    {"code": 0, "message": ""},
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal["code"]))
async def test_range_that_is_refused_is_halved(rig, refusal):
    """
    Whatever a node says to a long range, shorter ones are tried until it answers.
    """

    def limit(request, answer):
        query = request["params"][0]
        if int(query["toBlock"], 16) - int(query["fromBlock"], 16) >= 7:
            answer.pop("result", None)
            answer["error"] = refusal

    rig.node.alter = altered("eth_getLogs", limit)

    problems, expected = await told_of_one_actor(rig)

    assert problems == []
    assert expected > 10
    assert rig.asked("eth_getBlockReceipts") < 40


async def test_gateway_that_refuses_by_status_is_asked_for_less(rig):
    """
    HTTP 413, a broken answer or none at all may mean a long range as well.
    """

    def limit(asked, answers):
        for request in asked:
            query = request["params"][0] if request["method"] == "eth_getLogs" else None
            if query and int(query["toBlock"], 16) - int(query["fromBlock"], 16) >= 30:
                return "not what was asked for"
        return None

    rig.node.alter = limit

    problems, _ = await told_of_one_actor(rig)

    assert problems == []
    assert rig.asked("eth_getBlockReceipts") < 40


async def test_node_without_logs_is_read_block_by_block(rig):
    """
    Where eth_getLogs does not exist, whole blocks are read.
    """
    rig.node.alter = without("eth_getLogs")

    problems, expected = await told_of_one_actor(rig)

    assert problems == []
    assert expected > 10
    assert rig.asked("eth_getBlockReceipts") == 80


async def test_node_that_lacks_the_last_block_is_not_believed(rig):
    """
    An empty answer for blocks that the node does not have is no answer.
    """

    def lagging(asked, answers):
        methods = [request["method"] for request in asked]
        if "eth_getLogs" in methods:
            for request, answer in zip(asked, answers, strict=True):
                answer["result"] = [] if request["method"] == "eth_getLogs" else None

    def empty_blooms(asked, answers):
        for request, answer in zip(asked, answers, strict=True):
            if request["method"] == "eth_getBlockByNumber":
                answer["result"]["logsBloom"] = "0x" + "00" * 256
        lagging(asked, answers)

    rig.node.alter = empty_blooms
    await rig.begin(verify="off")

    problems, expected = await told_of_one_actor(rig)

    assert problems == []
    assert expected > 10


async def test_everybody_of_one_contract(rig):
    """
    A monitor of any address names contracts, and these are enough to look for its logs.
    """
    token = rig.chain.contracts.tokens[-1].address
    rules = tuple(Rule(kind, Direction.ALL, frozenset({token})) for kind in (Kind.ERC20, Kind.ERC721, Kind.ERC1155))  # fmt: skip
    await rig.monitor(actors=NOBODY, rules=rules, any_address=True)
    await rig.job(1, 80)

    await rig.settle()

    expected = {
        (moved.transaction_hash, moved.log_index, moved.item)
        for block_hash in rig.chain.canonical()[1:81]
        for moved in rig.chain.truth(block_hash)
        if moved.contract == token
    }
    told = {
        (data["transaction"]["hash"], data["log_index"], data["item"])
        for data in (one.json["data"] for one in await rig.told())
    }
    assert expected
    assert told == expected
    assert rig.asked("eth_getBlockReceipts") < 80


async def test_monitor_without_addresses_asks_for_nothing(rig):
    """
    No addresses are not any addresses: nothing is looked for.
    """
    await rig.monitor(actors=NOBODY, rules=TOKENS)
    await rig.job(1, 80)

    await rig.settle()

    assert (await rig.read()).status == "done"
    assert rig.asked("eth_getLogs") == rig.asked("eth_getBlockReceipts") == 0


async def test_headers_that_are_not_linked_are_refused(rig):
    """
    Headers of two branches are not one chain: nothing is told of them.
    """

    def other(request, answer):
        if request["params"][0] == hex(40):
            answer["result"]["parentHash"] = "0x" + "ab" * 32

    rig.node.alter = altered("eth_getBlockByNumber", other)
    problems, _ = await told_of_one_actor(rig)

    assert problems
    assert await rig.told() == []
    assert "does not stand on" in (await rig.read()).trouble


def test_span_is_halved_down_to_one():
    """
    Refusals end at a single block, however often they come.
    """
    span = Span()
    asked = [span.blocks]
    while span.refused(span.blocks):
        asked.append(span.blocks)

    assert asked[0] == FIRST
    assert asked[-1] == 1
    assert all(after == before // 2 for before, after in itertools.pairwise(asked))


def test_span_grows_up_to_what_was_refused():
    """
    After a refusal it grows only below that, until many answers have come.
    """
    span = Span()
    span.refused(400)
    span.refused(200)
    grown = []
    for _ in range(PATIENCE * 6):
        span.answered()
        span.filled(span.blocks, 0.1)
        grown.append(span.blocks)

    assert set(grown[: PATIENCE - 1]) == {100}
    assert grown[PATIENCE - 1] == 200
    assert max(grown) == MOST


def test_span_fits_what_a_part_holds():
    """
    Where many blocks matter, fewer are asked for, so that headers are not read in vain.
    """
    span = Span()
    span.filled(120, 1.7)
    full = span.blocks
    span.filled(120, 0.8)
    kept = span.blocks
    span.filled(120, 0.2)

    assert (full, kept, span.blocks) == (120, 120, 240)


async def test_unanswered_logs_request_is_tried_with_less(rig):
    """
    A reply that is an HTTP error in place of logs does not stop the job.
    """
    calls = []

    def refuse_first(asked, answers):
        if any(request["method"] == "eth_getLogs" for request in asked):
            calls.append(asked)
            if len(calls) < 3:
                return {"jsonrpc": "2.0", "id": None, "error": {"code": -32603, "message": "x"}}
        return None

    rig.node.alter = refuse_first

    problems, _ = await told_of_one_actor(rig)

    assert problems == []


async def test_heights_that_do_not_prove_themselves_are_matched_where_that_is_known(rig):
    """
    In a hole of the profile they are taken at the level that they pass, and told in the log.
    """

    def change(request, answer):
        if answer["result"] and int(answer["result"][0]["blockNumber"], 16) % 5 == 0:
            answer["result"][-1]["cumulativeGasUsed"] = "0x1"

    rig.node.alter = altered("eth_getBlockReceipts", change)
    await rig.begin(profile=Profile(holes=((0, 80),)))

    with structlog.testing.capture_logs() as logs:
        await rig.monitor(actors=QUIET, rules=(*TOKENS, Rule(Kind.NATIVE)))
        await rig.job(1, 80)
        await rig.settle()

    problems, expected = await rig.problems(1, 80, actors=QUIET)
    assert problems == []
    assert expected > 10
    assert (await rig.read()).status == "done"
    told = {one["block"]: one["proof"] for one in logs if one["event"].startswith("block taken")}
    assert told == dict.fromkeys(range(5, 81, 5), "logs")
