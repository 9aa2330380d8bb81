"""How many requests a second each project makes. Pure."""

import math
from dataclasses import dataclass

from crypitor.errors import TooMany

MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class _Bucket:
    """tokens: requests that may be made at once. at: seconds when they were counted."""

    tokens: float
    at: float


class Pace:
    """Lets each project make so many requests a second, and those of one second at once.

    Counted in this process: with several of them behind a balancer each has its own count.
    """

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def take(self, project_id: str, rate: float | None, now: float) -> None:
        """Count one request. now: seconds of a steady clock. Raises TooMany."""
        if rate is None:
            return
        most = max(1.0, rate)
        bucket = self._buckets.get(project_id)
        if bucket is None:
            if len(self._buckets) >= MOST_REMEMBERED:
                self._buckets.clear()
            bucket = self._buckets[project_id] = _Bucket(most, now)
        bucket.tokens = min(most, bucket.tokens + max(0.0, now - bucket.at) * rate)
        bucket.at = now
        if bucket.tokens < 1:
            refused = TooMany(
                f"this project may make {rate:g} requests a second (limit 'requests_per_second'),"
                " and has made them"
            )
            refused.retry_after_seconds = math.ceil((1 - bucket.tokens) / rate)
            raise refused
        bucket.tokens -= 1
