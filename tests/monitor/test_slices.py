"""Finding the matches of a block in slices, with pauses in which anything may be changed."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Kind, Rule
from crypitor.monitor.slices import find_in_slices
from tests.monitor.test_match import MONITOR, TOKEN, A, B, C, block, erc20

SEEN = block(logs=[erc20(A, B, amount, index=hex(amount)) for amount in range(50)])


def watching_b():
    index = Index()
    index.put(MONITOR)
    index.add_addresses("mo_1", [(B, None)])
    return index


async def beside(work, edit):
    """Return what the work comes to, and how often the edit was made between its slices."""
    made = 0

    async def edits():
        nonlocal made
        while True:
            edit(made)
            made += 1
            await asyncio.sleep(0)

    editing = asyncio.create_task(edits())
    result = await work
    editing.cancel()
    with suppress(asyncio.CancelledError):
        await editing
    return result, made


def ids(matches):
    return [match.id for match in matches]


async def test_others_get_their_turn_and_nothing_else_is_different():
    """Between any two things that are looked at there may be a pause."""
    index = watching_b()
    found, turns = await beside(
        find_in_slices(SEEN, "ethereum", 1, index, slice_seconds=0.0), lambda _: None
    )

    assert ids(found.matches) == ids(find_matches(SEEN, "ethereum", 1, index))
    assert turns >= len(SEEN.receipts[0].logs)


EDITS = {
    "another address": lambda index: index.add_addresses("mo_1", [(A, None)]),
    "an address less": lambda index: index.remove_addresses("mo_1", [B]),
    "another label": lambda index: index.add_addresses("mo_1", [(B, "new")]),
    "other rules": lambda index: index.put(replace(MONITOR, rules=(Rule(Kind.NATIVE),))),
    "another monitor": lambda index: index.put(
        replace(MONITOR, id="mo_2", any_address=True, rules=(Rule(Kind.ERC20, contracts=frozenset({TOKEN})),))
    ),
    "no monitor": lambda index: index.remove("mo_1"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("turn", [0, 1, 20, 60])
async def test_a_block_is_matched_by_one_state_of_the_index(edit, turn):
    """What is changed in a pause is in force for the whole block."""
    index = watching_b()
    found, turns = await beside(
        find_in_slices(SEEN, "ethereum", 1, index, slice_seconds=0.0),
        lambda made: EDITS[edit](index) if made == turn else None,
    )
    expected = find_matches(SEEN, "ethereum", 1, index if turn < turns else watching_b())

    assert ids(found.matches) == ids(expected)
    assert [match.label for match in found.matches] == [match.label for match in expected]


async def test_changes_without_an_end_stop_no_block():
    """After a few beginnings a block is matched without a pause."""
    index = watching_b()
    found, _ = await beside(
        find_in_slices(SEEN, "ethereum", 1, index, slice_seconds=0.0),
        lambda made: index.add_addresses("mo_1", [(C if made % 2 else A, None)]),
    )

    assert ids(found.matches) == ids(find_matches(SEEN, "ethereum", 1, index))
