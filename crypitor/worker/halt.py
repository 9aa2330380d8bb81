"""A network that stands still until an operator decides, or its old branch comes back."""

import structlog

from crypitor.runtime.loop import Health
from crypitor.worker.gap import BrokenLink
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
        self._broken: BrokenLink | None = None
        self.reason: str | None = None

    def begin(self, reason: str, now: int, broken: BrokenLink | None = None) -> None:
        """Stop the network. now: unix milliseconds. broken: what stands on nothing, if that is why.

        It goes on by itself where the nodes have another block in the place of that one, or one at
        the height that was missing.
        """
        self._looked_at = now
        self._broken = broken
        self.reason = reason
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
        if self._broken is not None:
            if not await _is_mended(self._broken, nodes):
                return True
            self.end()
            return False
        deepest = trail.deepest
        if deepest is None or await nodes.header_at(deepest.number) != deepest:
            return True
        self.end()
        return False


async def _is_mended(broken: BrokenLink, nodes: Nodes) -> bool:
    """Whether the nodes have another block in the place of the broken one, or the missing one."""
    shown = await nodes.header_at(broken.block.number)
    if shown is not None and shown != broken.block:
        return True
    return broken.missing is not None and await nodes.header_at(broken.missing) is not None
