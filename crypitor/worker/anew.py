"""What becomes of a network whose chain was begun anew: it stops, or follows the new one."""

import contextlib
from collections.abc import Sequence

import structlog

from crypitor.database import networks
from crypitor.database.engine import Database, Transaction
from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Hash, Header
from crypitor.webhook.message import NetworkTitle
from crypitor.worker.nodes import Nodes
from crypitor.worker.reset import SURE_MS, OnReset, begun_anew, reset_reason
from crypitor.worker.trail import Trail

log = structlog.get_logger(__name__)


class Anew:
    """Knows by which block the followed chain begins. All times are unix milliseconds.

    follows: whether the new chain is followed by itself.
    """

    def __init__(
        self,
        network: str,
        nodes: Nodes,
        database: Database,
        *,
        on_reset: OnReset,
        title: NetworkTitle | None,
    ) -> None:
        self.follows = on_reset == "follow"
        self._network = network
        self._nodes = nodes
        self._database = database
        self._title = title
        self._learned = False
        self._seen: Header | None = None
        self._since = 0

    async def learn(self, term: int) -> None:
        """Keep the hash of block 0, once, while the nodes are on the chain that is followed.

        A node that does not have it is not asked again.
        """
        if self._learned:
            return
        self._learned = True
        if await self._genesis() is not None:
            return
        with contextlib.suppress(NodeUnavailable):
            genesis = await self._nodes.header_at(0)
            if genesis is not None:
                kept = genesis.hash
                await self._database.write(
                    lambda tx: networks.keep_genesis(tx, self._network, term, kept)
                )

    async def seen(self, trail: Trail, now: int) -> Header | None:
        """Return the first block of a new chain, None where it is the one that was followed.

        Raises NodeUnavailable.
        """
        begun = await begun_anew(trail, await self._genesis(), self._nodes)
        if begun is None:
            self._seen = None
        elif begun != self._seen:
            self._seen, self._since = begun, now
        return begun

    def is_sure(self, now: int) -> bool:
        """Whether the new chain has been seen for long enough to be believed."""
        return self._seen is not None and abs(now - self._since) >= SURE_MS

    def reason(self, tip: Header, begun: Header, head: Header) -> str:
        """Return what is told where the network stops."""
        return reset_reason(self._network, tip, begun, head.number)

    async def go_back_to(
        self, kept: Sequence[Header], first: int, sequence: int, term: int, now: int
    ) -> None:
        """Revert what was told above these headers, and let height `first` be read next.

        sequence: of the last message that was published. Nothing is changed if somebody else leads
        the network by now. Raises DatabaseUnavailable.
        """

        async def work(tx: Transaction) -> int | None:
            if not await networks.holds_lead(tx, self._network, term):
                return None
            return await networks.resume(
                tx,
                self._network,
                before=kept,
                now=now,
                title=self._title,
                first=first,
                sequence=sequence,
            )

        reverted = await self._database.write(work)
        self._learned, self._seen = False, None
        log.info("going back", network=self._network, from_block=first, reverted=reverted)

    async def _genesis(self) -> Hash | None:
        return await self._database.read(lambda tx: networks.genesis_of(tx, self._network))
