"""Ids of matches and deliveries: stable, and together in an index what is together in the chain."""

import random

from crypitor.evm.types import Header, Transaction
from crypitor.monitor.models import Direction, Kind, Phase, computed_id, delivery_id, match_id
from crypitor.monitor.subjects import Subject

ALICE, BOB = f"0x{'a1' * 20}", f"0x{'b0' * 20}"
PAID = Subject(Kind.NATIVE, ALICE, BOB, 1, None, None, None)


def made(height, index, block_hash="0xaa", monitor="mo_1"):
    transaction = Transaction(f"0x{index:064x}", hex(index), block_hash, ALICE, "0x1", BOB)
    header = Header(height, block_hash, "0x", 0)
    return match_id(monitor, Direction.IN, BOB, header, transaction, PAID)


def test_ids_sort_by_the_place_in_the_chain():
    """By height, then by the transaction's index: what is stored together touches few pages."""
    places = [
        (height, index)
        for height in (0, 9, 10, 255, 20_000_000, 400_000_000)
        for index in (0, 9, 10, 16, 300)
    ]
    mixed = random.Random(1).sample(places, len(places))

    assert sorted(mixed, key=lambda place: made(*place)) == places


def test_deliveries_sort_as_their_matches():
    """In each phase, to whichever endpoint."""
    matches = [made(height, 1) for height in range(250, 260)]
    deliveries = [delivery_id(match, Phase.DETECTED, "ep_1", 0) for match in matches]

    assert deliveries == sorted(deliveries)
    assert {one[3:15] for one in deliveries} == {one[3:15] for one in matches}


def test_another_branch_or_monitor_has_another_id():
    """The place is not what tells matches apart."""
    same = {made(7, 1), made(7, 1)}
    others = {made(7, 1, "0xbb"), made(7, 1, monitor="mo_2")}

    assert len(same) == 1
    assert len(same | others) == 3


def test_what_was_stored_with_a_shorter_id_keeps_its_deliveries_ids():
    """A receiver that has heard of it would take another `webhook-id` for other news."""
    old = computed_id("ma_", "mo_1", "native")

    assert delivery_id(old, Phase.REVERTED, "ep_1", 1) == computed_id(
        "de_", old, Phase.REVERTED, "ep_1", 1
    )
