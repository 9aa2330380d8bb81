"""Where the matcher, or an operator, asked for to go on, looked for now and then."""

import asyncio
from collections.abc import Callable

from crypitor.database import networks
from crypitor.database.engine import Database, Transaction
from crypitor.monitor.position import Position
from crypitor.runtime.loop import pause

LOOK_MS = 1000
"""How often the database is asked whether the matcher wants to go back."""

HEAD_START_SECONDS = 0.05
"""A block at the head goes through the database before that is asked."""


class Rewinds:
    """What is asked for in the database. keep: how many headers.  wake: ends the head start."""

    def __init__(self, network: str, database: Database, keep: int, wake: asyncio.Event) -> None:
        self._network = network
        self._database = database
        self._keep = keep
        self._wake = wake
        self._looked_at = 0

    async def position(self, tx: Transaction) -> Position:
        """Return where the matching stands."""
        return await networks.position_of(tx, self._network, self._keep)

    async def asked(
        self, term: Callable[[], int], now: int, *, at_head: bool = False
    ) -> Position | None:
        """Return where to go on from, if anybody asked for it; looks once a second.

        term: in which this process leads, when it is answered. now: unix milliseconds. at_head: a
        block was just published there. Raises DatabaseUnavailable.
        """
        if abs(now - self._looked_at) < LOOK_MS:
            return None
        self._looked_at = now
        if at_head:
            await pause(HEAD_START_SECONDS, self._wake)
        if not await self._database.read(
            lambda tx: networks.rewind_asked(tx, self._network), at_once=True
        ):
            return None
        leading = term()

        async def work(tx: Transaction) -> Position:
            await networks.take_rewind(tx, self._network, leading)
            return await self.position(tx)

        return await self._database.write(work)
