"""Turns what the roles do into metrics."""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from crypitor.database.blocks import Saved
from crypitor.metrics import Metrics
from crypitor.monitor.models import Match, Phase
from crypitor.queue import Message
from crypitor.webhook.delivery import Result

REMEMBERED_BLOCKS = 4096
"""Blocks whose arrival is remembered until their matches are sent."""


class _Block(msgspec.Struct):
    hash: str


class _Data(msgspec.Struct):
    block: _Block


class _Body(msgspec.Struct):
    data: _Data


_block_of = msgspec.json.Decoder(_Body)


class Observer:
    """Hears the worker, the monitor and the webhook role. clock: unix milliseconds are given."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._blocks: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def requested(self, network: str, node: str, method: str, outcome: str, seconds: float) -> None:
        """Count one JSON-RPC call."""
        self._metrics.rpc_requests.labels(network, node, method, outcome).inc()
        self._metrics.rpc_seconds.labels(network, node, method).observe(seconds)

    def incomplete(self, network: str, node: str, check: str) -> None:
        """Count a block that did not prove itself."""
        self._metrics.block_incomplete.labels(network, node, check).inc()

    def published(self, network: str) -> None:
        """Nothing is counted at the worker's end of the queue; the matched block is."""

    def reorganised(self, network: str, depth: int) -> None:  # noqa: ARG002 - how deep is logged
        """Count a reorg."""
        self._metrics.reorgs.labels(network).inc()

    def block_matched(
        self, message: Message, matches: Sequence[Match], saved: Saved, seconds: float
    ) -> None:
        """Count a block that took effect, and remember when it arrived if it will be told."""
        header = message.block.header
        self._metrics.blocks.labels(message.network).inc()
        self._metrics.match_seconds.observe(seconds)
        if saved.new_matches:
            for match in matches:
                self._metrics.matches.labels(message.network, match.transfer.kind).inc()
            self._blocks[header.hash] = (header.timestamp * 1000, message.seen_at)
            if len(self._blocks) > REMEMBERED_BLOCKS:
                self._blocks.popitem(last=False)

    def attempts_recorded(self, results: Sequence[Result]) -> None:
        """Count attempts, and how long the first of each detected match took."""
        for result in results:
            outcome = result.outcome
            self._metrics.attempt_seconds.observe(outcome.duration_ms / 1000)
            if result.verdict.due_at is None:
                self._metrics.deliveries.labels(result.verdict.status).inc()
            if result.delivery.phase is not Phase.DETECTED:
                continue
            block = self._blocks.get(_block_of.decode(result.delivery.body).data.block.hash)
            if block is None:
                continue
            produced_at, seen_at = block
            if not result.delivery.attempts:
                waited = max(0, outcome.started_at - seen_at)
                self._metrics.seen_to_webhook_seconds.observe(waited / 1000)
            if outcome.succeeded:
                taken = max(0, outcome.started_at + outcome.duration_ms - produced_at)
                self._metrics.block_to_webhook_seconds.observe(taken / 1000)
