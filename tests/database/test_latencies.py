"""How long things took, counted in little room."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from crypitor.database.latencies import Latency


@given(st.lists(st.integers(0, 10_000_000), max_size=50))
def test_doublings_hold_every_duration_once(durations):
    """Each is where it belongs, in ranges that follow each other and double."""
    latency = Latency()
    for ms in durations:
        latency.add(ms)
    ranges = latency.doublings()

    # Buckets of a quarter of a doubling begin where doublings do, so that nothing is misplaced.
    for least, below, count in ranges:
        assert count == sum(least <= ms < below for ms in durations)
    assert sum(count for _, _, count in ranges) == len(durations)
    for (_, below, _), (least, after, _) in pairwise(ranges):
        assert (least, after) == (below, 2 * below)
    if durations:
        assert ranges[0][0] <= min(durations) < ranges[0][1]
        assert ranges[-1][0] <= max(durations) < ranges[-1][1]
