"""When a network, or what is due, is taken to stand still."""

import pytest

from crypitor.database.standstill import MatchedTip
from crypitor.runtime.still import DueStill, NetworkStill

TIP = MatchedTip(100, "0xa", 2.0)


def looked_at(still, seconds, *, head, tip=TIP, began=0.0):
    """Look every five seconds as the watch does; return when it was first told, None for never."""
    for now in range(0, seconds, 5):
        still.matched(tip, began + now)
        if still.wants_head(began + now):
            shown = head(now) if callable(head) else head
            still.shown(shown, began + now)
        if still.reason(began + now):
            return now
    return None


def test_blocks_above_a_tip_that_does_not_move_are_told_within_90_seconds():
    """The sentence says where the tip and where the head is."""
    still = NetworkStill(None, 0.0)
    still.matched(TIP, 0.0)

    told = looked_at(still, 200, head=130)

    assert 60 <= told <= 90
    assert still.reason(float(told)).startswith("the tip 100 has not moved for 60 s")
    assert "head is 130" in still.reason(float(told))


def test_a_quiet_chain_is_well():
    """Without a block above the tip nothing has to move, however long."""
    assert looked_at(NetworkStill(None, 0.0), 10_000, head=100) is None


def test_a_tip_that_moves_asks_no_node():
    """While blocks are matched, nobody is asked for a head."""
    still = NetworkStill(None, 0.0)

    for now in range(0, 1000, 5):
        still.matched(MatchedTip(now, f"0x{now}", 5.0), float(now))
        assert not still.wants_head(float(now))
        assert still.reason(float(now)) is None


def test_another_block_at_the_same_height_is_a_move():
    """A reorg of the tip is progress."""
    still = NetworkStill(None, 0.0)
    still.matched(TIP, 0.0)
    still.shown(130, 50.0)
    still.matched(MatchedTip(100, "0xb", 2.0), 59.0)

    assert still.reason(100.0) is None


def test_a_block_after_a_long_pause_is_not_told_while_it_is_on_its_way():
    """What counts is that the head is above the tip for a while, not for a moment."""
    still = NetworkStill(None, 0.0)
    looked_at(still, 500, head=100)
    still.shown(101, 505.0)
    early = still.reason(507.0)
    still.matched(MatchedTip(101, "0xb", 2.0), 508.0)

    assert early is None
    assert still.reason(600.0) is None


@pytest.mark.parametrize(("block_seconds", "least"), [(0.25, 60), (12.0, 240), (3600.0, 1200)])
def test_twenty_block_times_are_waited_for(block_seconds, least):
    """At least a minute, and at most as for blocks a minute apart."""
    tip = MatchedTip(100, "0xa", block_seconds)

    assert least <= looked_at(NetworkStill(None, 0.0), 2000, head=130, tip=tip) <= least + 30


def test_a_network_without_any_block_is_told_if_there_is_one():
    """A start below the history of a pruned node ends here, if nobody else says so."""
    still = NetworkStill(5, 0.0)

    assert 60 <= looked_at(still, 200, head=9000, tip=None) <= 90
    assert still.reason(90.0).startswith("nothing has been matched for ")


def test_a_start_in_the_future_is_waited_for():
    """Below the first block that is to be matched, none is missing."""
    assert looked_at(NetworkStill(9001, 0.0), 500, head=9000, tip=None) is None


def test_nodes_that_show_nothing_are_told_with_their_trouble():
    """Nobody can say whether a tip should move then; which is told."""
    still = NetworkStill(None, 0.0)
    for now in range(0, 95, 5):
        still.matched(TIP, float(now))
        if still.wants_head(float(now)):
            still.silent("cannot connect", float(now))

    assert still.reason(59.0) is None
    assert still.reason(90.0) == "no node shows its head: cannot connect"


def test_what_is_due_and_not_attempted_is_told_after_a_minute():
    """As long as none of it is attempted, whatever else becomes due."""
    due = DueStill(0.0)
    due.seen({}, 5.0)
    due.seen({"de_1": 0}, 10.0)
    due.seen({"de_1": 0, "de_2": 3}, 60.0)

    assert due.reason(69.0) is None
    assert due.reason(70.0) == (
        "nothing was attempted for 60 s, though deliveries are due at 1 endpoint"
    )


@pytest.mark.parametrize("later", [{"de_1": 1, "de_2": 0}, {"de_2": 0}, {}])
def test_one_attempt_is_enough(later):
    """One that was attempted, or has ended, shows that the sender works; the rest may be many."""
    due = DueStill(0.0)
    due.seen({"de_1": 0, "de_2": 0}, 10.0)
    due.seen(later, 65.0)

    assert due.reason(75.0) is None


def test_an_attempt_ends_what_was_told():
    """The next minute counts from there."""
    due = DueStill(0.0)
    due.seen({"de_1": 0}, 0.0)
    told = due.reason(90.0)
    due.seen({"de_1": 1}, 95.0)

    assert told
    assert due.reason(100.0) is None
