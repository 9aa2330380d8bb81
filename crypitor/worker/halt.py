"""A network that stands still until an operator decides, or its old branch comes back."""

import structlog

from crypitor.errors import DeepReorg
from crypitor.runtime.loop import Health
from crypitor.worker.nodes import Nodes
from crypitor.worker.trail import Trail

LOOK_MS = 15_000
"""How often the nodes are asked whether the old branch is back."""

log = structlog.get_logger(__name__)


class Halt:
    """Whether a network is stopped, and its alarm: one log line, and a trouble in the health.

    reason: None while the network is followed.
    """

    def __init__(self, network: str, role: str, health: Health) -> None:
        self._network = network
        self._name = f"{role} reorg"
        self._health = health
        self._looked_at = 0
        self.reason: str | None = None

    def begin(self, deep: DeepReorg, now: int) -> None:
        """Stop the network. now: unix milliseconds."""
        self._looked_at = now
        self.reason = str(deep)
        self._health.begin(self._name, self.reason)
        log.error("network stopped", network=self._network, trouble=self.reason)

    def end(self) -> None:
        """Let the network be followed again."""
        self.reason = None
        if self._health.end(self._name):
            log.info("network goes on", network=self._network)

    async def lasts(self, trail: Trail, nodes: Nodes, now: int) -> bool:
        """Whether it is still stopped: not if the nodes have a header again to go back to.

        now: unix milliseconds.
        """
        if self.reason is None:
            return False
        if abs(now - self._looked_at) < LOOK_MS:
            return True
        self._looked_at = now
        deepest = trail.deepest
        if deepest is None or await nodes.header_at(deepest.number) != deepest:
            return True
        self.end()
        return False
