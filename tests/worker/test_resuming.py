"""Which block is proposed to a network that stopped: the first that differs, as far as is known."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.database.networks import KnownChain
from crypitor.evm.types import Header
from crypitor.worker.resuming import proposed

HEAD = 2_000


def header(number: int, branch: str) -> Header:
    """The block at a height of a branch."""
    return Header(number, f"{branch} {number}", f"{branch} {number - 1}", number)


class Chain:
    """What nodes have of a chain that left the one that was matched: the old branch below a height.

    without: heights that have no block. asked: how many single blocks were asked for.
    """

    def __init__(self, differs_from: int, head: int = HEAD, without: frozenset[int] = frozenset()):
        self._differs_from = differs_from
        self._head = head
        self._without = without
        self.asked = 0

    def _at(self, number: int) -> Header | None:
        if number > self._head or number in self._without:
            return None
        return header(number, "new" if number >= self._differs_from else "old")

    async def header_at(self, place: int) -> Header | None:
        self.asked += 1
        return self._at(place)

    async def headers_up_to(self, first: int, last: int) -> tuple[Header, ...]:
        found = [self._at(number) for number in range(first, last + 1)]
        return tuple(one for one in found if one is not None)


async def proposal(heights: set[int], chain: Chain, genesis: str | None = None):
    """What is proposed where the old branch's blocks at these heights are known."""

    async def known_at(number: int):
        below = [height for height in heights if height <= number]
        return (max(below), f"old {max(below)}") if below else None

    return await proposed(KnownChain(min(heights), max(heights), genesis), known_at, chain)


@given(st.sets(st.integers(1, HEAD), min_size=1, max_size=40), st.integers(0, HEAD))
async def test_nothing_that_differs_stays_and_little_that_is_right_is_read_again(heights, fork):
    """
    Below the proposed block all that is known is on the chain, above it nothing is, and some 25
    blocks at most were asked for.
    """
    chain = Chain(fork)
    found = await proposal(heights, chain)
    right = [height for height in heights if height < fork]

    if len(right) == len(heights):
        assert found.first == max(heights) + 1 or max(heights) == HEAD
    elif right:
        assert found.first == max(right) + 1 <= fork
    else:
        assert found.first == min(heights)
    assert chain.asked <= math.ceil(math.log2(HEAD)) + 2


async def test_a_chain_that_was_begun_anew_is_read_from_its_beginning():
    """Its block 0 is another one than that of the chain which was followed."""
    assert (await proposal({50, 60}, Chain(0), "old 0")).first == 0


async def test_where_nothing_that_is_known_is_left_an_operator_is_told_so():
    """The oldest block that is known, with the words to look for an earlier one."""
    found = await proposal({50, 60}, Chain(7), "old 0")

    assert found.first == 50
    assert "Where the chain left earlier" in found.reason


@pytest.mark.parametrize("without, first", [((), 61), ((61, 62), 63)])
async def test_where_nothing_differs_the_next_block_is_proposed(without, first):
    """The nodes' next one, also where heights have none."""
    found = await proposal({50, 60}, Chain(HEAD, without=frozenset(without)))

    assert found.first == first
    assert "nothing has to be reverted" in found.reason
