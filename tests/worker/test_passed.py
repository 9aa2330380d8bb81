"""How many blocks are passed over when a network goes on further up: heights may have none."""

import pytest

from crypitor.evm.types import Header
from crypitor.worker import Unobserved
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes
from crypitor.worker.passed import MOST_HEIGHTS, Passed, passed_between
from tests.patience import HANG_SECONDS
from tests.worker.conftest import CHAIN_ID
from tests.worker.holed import HoledNode, broken_at, missing


@pytest.fixture
async def holed(server):
    async with HoledNode(server.url) as node:
        yield node


def asking(node):
    options = {"chain_id": CHAIN_ID, "timeout_seconds": HANG_SECONDS, "verify": "off"}
    return Nodes("dev", [Node(node.url, "node", **options)], observer=Unobserved())


async def passed(node, tip, first):
    """What is between two heights of a node's chain."""
    async with asking(node) as nodes:
        return await passed_between(await nodes.header_at(tip), first, nodes)


@pytest.mark.parametrize(
    "holes, expected",
    [
        ((), Passed(4, 8, 5)),
        ((5,), Passed(4, 8, 4)),
        ((4, 5, 8), Passed(4, 8, 2)),
        ((4, 5, 6, 7, 8), Passed(4, 8, 0)),
        ((9,), Passed(4, 8, 5)),
        ((8, 9), Passed(4, 8, 5, is_most=True)),  # block 10 shows it, which is not looked at
    ],
)
async def test_heights_without_a_block_are_no_blocks(chain, holed, holes, expected):
    """Where a block stands on one that is lower by more than one, there is none between."""
    holed.holes = frozenset(holes)

    assert await passed(holed, 3, 9) == expected


@pytest.mark.parametrize("first", [0, 3, 4])
async def test_nothing_is_passed_up_to_the_next_height(chain, holed, first):
    """Below the tip, and right above it, nothing is left out."""
    assert await passed(holed, 3, first) is None


@pytest.mark.parametrize("lacking", [{5}, {4, 5, 6, 7, 8}, {6, 7, 8, 9}])
async def test_what_a_node_lacks_may_be_blocks(chain, faulty, lacking):
    """That a node shows nothing at a height, with nothing that stands across it, is no proof."""
    faulty.alter = missing(lacking.__contains__)

    assert await passed(faulty, 3, 9) == Passed(4, 8, 5, is_most=True)


async def test_a_height_below_a_broken_link_may_have_a_block(chain, holed):
    """What names a parent that no node has does not show what is below it."""
    holed.holes = frozenset({8})
    holed.alter = broken_at(9)

    assert await passed(holed, 3, 9) == Passed(4, 8, 5, is_most=True)


async def test_of_many_heights_only_their_number_is_told(faulty):
    """Nobody waits for thousands of requests."""
    tip = Header(3, "0x" + "aa" * 32, "0x" + "bb" * 32, 0)
    async with asking(faulty) as nodes:
        found = await passed_between(tip, 5 + MOST_HEIGHTS, nodes)

    assert found == Passed(4, 4 + MOST_HEIGHTS, MOST_HEIGHTS + 1, is_most=True)
    assert faulty.posts == []
