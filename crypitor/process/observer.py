"""Turns what the roles do into metrics."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence

from crypitor.database.effects import Saved
from crypitor.monitor.match import Tally
from crypitor.monitor.models import Match, Phase
from crypitor.queue import Message
from crypitor.runtime.metrics import Metrics
from crypitor.webhook.delivery import Result

MOST_REMEMBERED = 20_000
"""Matches whose block's arrival is remembered until they are sent."""


class Observer:
    """Hears the worker, the monitor and the webhook role. clock: unix milliseconds are given."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._times: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def requested(self, network: str, node: str, method: str, outcome: str, seconds: float) -> None:
        """Count one JSON-RPC call."""
        self._metrics.rpc_requests.labels(network, node, method, outcome).inc()
        self._metrics.rpc_seconds.labels(network, node, method).observe(seconds)

    def incomplete(self, network: str, node: str, check: str) -> None:
        """Count a block that did not prove itself."""
        self._metrics.block_incomplete.labels(network, node, check).inc()

    def refused(self, reason: str) -> None:
        """Count a connection or request to the API's port that was not served."""
        self._metrics.refused.labels(reason).inc()

    def exhausted(self) -> None:
        """Count an attempt that this machine had no descriptors, memory or threads for."""
        self._metrics.exhausted.inc()

    def published(self, network: str) -> None:
        """Nothing is counted at the worker's end of the queue; the matched block is."""

    def reorganised(self, network: str, depth: int) -> None:  # noqa: ARG002 - how deep is logged
        """Count a reorg."""
        self._metrics.reorgs.labels(network).inc()

    def block_matched(
        self,
        message: Message,
        matches: Sequence[Match],
        tally: Tally,
        saved: Saved,
        seconds: float,
    ) -> None:
        """Count a block that took effect, and remember when it arrived if it will be told."""
        header = message.block.header
        self._metrics.blocks.labels(message.network).inc()
        self._metrics.match_seconds.observe(seconds)
        self._metrics.undecoded.labels(message.network).inc(tally.undecoded)
        self._metrics.condition_errors.labels(message.network).inc(tally.condition_errors)
        new = [match for match in matches if match.id in saved.fresh]
        if new:
            self._count_matches(message.network, new)
            times = (header.timestamp * 1000, message.seen_at)
            for match in new:
                self._times[match.id] = times
            while len(self._times) > MOST_REMEMBERED:
                self._times.popitem(last=False)

    def backfilled(self, network: str, matches: Iterable[Match], saved: Saved) -> None:
        """Count the matches of past blocks that are new. How long they took says nothing."""
        self._count_matches(network, [match for match in matches if match.id in saved.fresh])

    def looked(
        self, network: str, gauges: int, matches: Sequence[Match], saved: Saved, no_answer: int
    ) -> None:
        """Count a block in which state was looked at."""
        self._metrics.looks.labels(network).inc(gauges)
        self._metrics.condition_errors.labels(network).inc(no_answer)
        self._count_matches(network, [match for match in matches if match.id in saved.fresh])

    def _count_matches(self, network: str, matches: Iterable[Match]) -> None:
        for kind, count in Counter(match.subject.kind for match in matches).items():
            self._metrics.matches.labels(network, kind).inc(count)

    def attempts_recorded(self, results: Sequence[Result]) -> None:
        """Count attempts, and how long the first of each detected match took."""
        for result in results:
            outcome = result.outcome
            self._metrics.attempt_seconds.observe(outcome.duration_ms / 1000)
            if result.verdict.due_at is None:
                self._metrics.deliveries.labels(result.verdict.status).inc()
            if result.delivery.phase is not Phase.DETECTED:
                continue
            times = self._times.get(result.delivery.match_id or "")
            if times is None:
                continue
            produced_at, seen_at = times
            if not result.delivery.attempts:
                waited = max(0, outcome.started_at - seen_at)
                self._metrics.seen_to_webhook_seconds.observe(waited / 1000)
            if outcome.succeeded:
                taken = max(0, outcome.started_at + outcome.duration_ms - produced_at)
                self._metrics.block_to_webhook_seconds.observe(taken / 1000)
