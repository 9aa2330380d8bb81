"""How many requests a second each project makes. Pure."""

import math
from dataclasses import dataclass

from crypitor.database.limits import LEAST_PER_SECOND
from crypitor.errors import TooMany

MOST_REMEMBERED = 10_000


@dataclass(slots=True)
class _Bucket:
    """tokens: requests that may be made at once. at: seconds when they were counted."""

    tokens: float
    at: float


@dataclass(frozen=True, slots=True)
class Rate:
    """What a project may still ask. rate: requests a second; left: at once, from now."""

    rate: float
    left: float

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-10 has them: structured fields (RFC 9651)."""
        most = max(1.0, self.rate)
        window = math.ceil(most / self.rate)
        reset = math.ceil((most - self.left) / self.rate)
        return {
            "RateLimit-Policy": f'"project";q={math.floor(self.rate * window)};w={window}',
            "RateLimit": f'"project";r={max(0, math.floor(self.left))};t={reset}',
        }


class Pace:
    """Lets each project make so many requests a second, and those of one second at once.

    Counted in this process: with several of them behind a balancer each has its own count.
    """

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def take(self, project_id: str, rate: float | None, now: float) -> Rate | None:
        """Count one request, and return what is left; None for a project without a limit.

        now: seconds of a steady clock. Raises TooMany, which says it as well.
        """
        if rate is None:
            return None
        rate = max(rate, LEAST_PER_SECOND)  # of releases before it may be less
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
                f" and has used all {most:g}"
            )
            refused.retry_after_seconds = math.ceil((1 - bucket.tokens) / rate)
            refused.headers = Rate(rate, bucket.tokens).headers
            raise refused
        bucket.tokens -= 1
        return Rate(rate, bucket.tokens)
