"""How long things took, many of them in little room: counts of buckets that grow like powers.

Four buckets for each doubling: whatever is said of them is off by 9 % at most. Pure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import floor, log2

PER_DOUBLING = 4


def bucket_of(ms: int) -> int:
    """Return the bucket of a duration; 0 for less than a millisecond."""
    return 0 if ms < 1 else 1 + floor(PER_DOUBLING * log2(ms))


def middle_of(bucket: int) -> int:
    """Return the milliseconds in the middle of a bucket."""
    return 0 if bucket < 1 else round(2 ** ((bucket - 0.5) / PER_DOUBLING))


@dataclass(slots=True)
class Latency:
    """Durations that were counted. total_ms: their sum. buckets: bucket → how many."""

    count: int = 0
    total_ms: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, ms: int, times: int = 1) -> None:
        """Count a duration so many times; one below zero, by a clock that was set back, as 0."""
        ms = max(0, ms)
        self.count += times
        self.total_ms += ms * times
        bucket = bucket_of(ms)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + times

    def merge(self, more: "Latency") -> None:
        """Count what somebody else has counted."""
        self.count += more.count
        self.total_ms += more.total_ms
        for bucket, count in more.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def quantile(self, part: float) -> int | None:
        """Return the milliseconds that a part of them, 0 to 1, did not exceed; None of none."""
        if not self.count:
            return None
        left = part * self.count
        bucket = 0
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                break
        return middle_of(bucket)

    def doublings(self) -> list[tuple[int, int, int]]:
        """Return how many took from so many milliseconds to less than twice as many.

        Doublings begin at 0, 1, 2, 4, 8, … From the shortest to the longest that there are, those
        between them with nothing as well.
        """
        counts: dict[int, int] = {}
        for bucket, count in self.buckets.items():
            place = 0 if bucket < 1 else 1 + (bucket - 1) // PER_DOUBLING
            counts[place] = counts.get(place, 0) + count
        if not counts:
            return []
        return [
            (2 ** (place - 1) if place else 0, 2**place, counts.get(place, 0))
            for place in range(min(counts), max(counts) + 1)
        ]

    @property
    def mean_ms(self) -> int | None:
        """The mean; None of none."""
        return round(self.total_ms / self.count) if self.count else None


def stored_buckets(buckets: Mapping[int, int]) -> str:
    """Return buckets as a row has them."""
    return json.dumps(dict(buckets), separators=(",", ":"))


def buckets_of(text: str) -> dict[int, int]:
    """Return the buckets of a row."""
    return {int(bucket): count for bucket, count in json.loads(text).items()}
