"""When the next look is due, and when the head is reached."""

import itertools

import pytest

from crypitor.evm.types import Header
from crypitor.worker.pace import FIRST_RETRY_SECONDS, LEAST_SILENCE_SECONDS, Pace

START = 1_800_000_000_000


def header(number, timestamp):
    return Header(number, f"0x{number:064x}", f"0x{number - 1:064x}", timestamp)


def paced(block_seconds, poll_seconds=1.0, blocks=20):
    """A pace that saw blocks come at equal distances, the last one at START."""
    pace = Pace(poll_seconds)
    for number in range(blocks):
        ago = (blocks - 1 - number) * block_seconds
        pace.published(header(number, int(START / 1000 - ago)), int(START - 1000 * ago))
    return pace


def looks(pace, seconds, *, expecting=False):
    """When one looks within a time in which nothing comes, in seconds after the last block."""
    now, times = START, []
    while (now := now + round(1000 * pace.wait_seconds(now, expecting=expecting))) < (
        START + 1000 * seconds
    ):
        times.append((now - START) / 1000)
    return times


def test_polls_as_told_before_anything_is_measured():
    """With one block nothing is known of the chain."""
    pace = Pace(1.0)
    pace.published(header(5, 1000), START)

    assert pace.wait_seconds(START, expecting=False) == 1.0


@pytest.mark.parametrize("block_seconds", [1, 2, 12])
def test_never_waits_longer_than_told(block_seconds):
    """poll_seconds is the ceiling, whatever the block time."""
    times = [0.0, *looks(paced(block_seconds), 60)]

    assert max(two - one for one, two in itertools.pairwise(times)) <= 1.001


def test_looks_closely_when_a_block_is_due():
    """Around the time of the next slot looks are close, and in the middle of one they are not."""
    times = looks(paced(12, poll_seconds=4.0), 14)

    assert len([time for time in times if time < 8]) <= 2
    assert len([time for time in times if 11 <= time < 13]) >= 2


def test_a_fast_chain_is_looked_at_more_often():
    """Where blocks come each second, the wait is a fraction of one."""
    assert len(looks(paced(1), 1.5)) > 5


def test_gives_up_looking_closely():
    """A chain that stands still is asked as rarely as told."""
    times = [time for time in looks(paced(1), 60) if time > 50]

    assert len(times) in (9, 10)


def test_retries_a_block_that_is_on_its_way():
    """First at once, then at growing distances."""
    pace = paced(12)
    waits = []
    for misses in range(8):
        pace.misses = misses
        waits.append(pace.wait_seconds(START, expecting=True))

    assert waits[0] == FIRST_RETRY_SECONDS
    assert waits == sorted(waits)
    assert waits[-1] == 1.0


def test_rests_while_heads_are_announced():
    """Who is told of heads only makes sure, now and then, that this is still so."""
    pace = paced(12)
    pace.announced = 20

    assert pace.wait_seconds(START, expecting=False) == 60
    fast = paced(1)
    fast.announced = 20
    assert fast.wait_seconds(START, expecting=False) == LEAST_SILENCE_SECONDS


def test_looks_again_when_a_block_was_not_announced():
    """A block that nobody told of shows that announcements cannot be relied on."""
    pace = paced(12)
    pace.announced = 20
    pace.published(header(20, START // 1000), START)
    assert pace.announced == 20

    pace.published(header(21, START // 1000 + 12), START + 12_000)

    assert pace.announced is None
    assert pace.wait_seconds(START + 12_000, expecting=False) <= 1.0


def test_estimates_when_the_head_is_reached():
    """Blocks behind, over what is gained on a head that moves on."""
    pace = Pace(1.0)
    for number in range(101):
        pace.published(header(number, 1000 + 2 * number), START + 100 * number)
    now = START + 10_000

    assert pace.blocks_per_second(now) == pytest.approx(10)
    assert pace.seconds_to_head(950, now) == pytest.approx(950 / 9.5)
    assert pace.seconds_to_head(0, now) == 0.0


def test_estimates_nothing_when_nothing_comes_closer():
    """Slower than the chain, or at a standstill, there is no estimate."""
    pace = paced(12)

    assert pace.seconds_to_head(100, START) is None
    assert pace.blocks_per_second(START + 3_600_000) == 0.0


def test_a_reorg_does_not_spoil_the_measures():
    """Blocks that are published again at the same heights replace the old ones."""
    pace = paced(12)
    for number in (17, 18, 19):
        pace.published(header(number, START // 1000 + 12 * (number - 19)), START)

    assert pace.block_seconds == pytest.approx(12)
    assert pace.blocks_per_second(START) >= 0
