"""A network that stands still until an operator decides, or its old branch comes back."""

import structlog

from crypitor.errors import DeepReorg
from crypitor.loop import Health
from crypitor.worker.nodes import Nodes
from crypitor.worker.trail import Trail

log = structlog.get_logger(__name__)


class Halt:
    """Whether a network is stopped, and its alarm: one log line, and a trouble in the health.

    reason: None while the network is followed.
    """

    def __init__(self, network: str, role: str, health: Health) -> None:
        self._network = network
        self._name = f"{role} reorg"
        self._health = health
        self.reason: str | None = None

    def begin(self, deep: DeepReorg) -> None:
        """Stop the network."""
        self.reason = str(deep)
        self._health.begin(self._name, self.reason)
        log.error("network stopped", network=self._network, trouble=self.reason)

    def end(self) -> None:
        """Let the network be followed again."""
        self.reason = None
        if self._health.end(self._name):
            log.info("network goes on", network=self._network)

    async def lasts(self, trail: Trail, nodes: Nodes) -> bool:
        """Whether it is still stopped: not if the nodes have our oldest kept header again."""
        if self.reason is None:
            return False
        oldest = trail.oldest
        if oldest is None or await nodes.header_at(oldest.number) != oldest:
            return True
        self.end()
        return False
