"""What the log says of catching up: where it begins, how far it is now and then, where it ends."""

import structlog

from crypitor.evm.types import Header
from crypitor.worker.pace import Pace
from crypitor.worker.status import CATCHING_UP_BLOCKS

log = structlog.get_logger(__name__)

PROGRESS_MS = 10_000


class Progress:
    """The way of one network's tip to its head."""

    def __init__(self, network: str, pace: Pace) -> None:
        self._network = network
        self._pace = pace
        self._told_at: int | None = None

    def tell(self, tip: Header, behind: int, now: int) -> None:
        """Note a block that was published. behind: blocks above it. now: unix milliseconds."""
        if self._told_at is None:
            if behind > CATCHING_UP_BLOCKS:
                self._told_at = now
                log.info("catching up", network=self._network, behind=behind)
        elif not behind:
            self._told_at = None
            log.info("caught up", network=self._network, tip=tip.number)
        elif abs(now - self._told_at) >= PROGRESS_MS:
            self._told_at = now
            log.info(
                "catching up",
                network=self._network,
                behind=behind,
                blocks_per_second=round(self._pace.blocks_per_second(now), 1),
                seconds_to_head=self._pace.seconds_to_head(behind, now),
            )
