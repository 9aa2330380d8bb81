"""Which process leads a network: a lease in the database, and a term that fences the one before.

Where worker and monitor share a process, it owns the database, and nobody else is there to be
waited for: the lead is taken at once and has no end. Elsewhere it is a lease, which somebody else
takes over when it was not begun anew in time; a leader that could not do so leads no longer. Who
was paused meanwhile may still publish: its sequences are below those of the next term, so that it
takes no effect, and all else that only a leader does asks for its term.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

import structlog

from crypitor.database import networks
from crypitor.database.engine import Database, Transaction
from crypitor.errors import Unavailable
from crypitor.runtime.loop import pause

log = structlog.get_logger(__name__)

T = TypeVar("T")

LEASE_SECONDS = 6.0
BEAT_SECONDS = 1.0
LEAVE_SECONDS = 2.0


class Lead:
    """The lead of one network, as one process sees it.

    leader: names this process in this life. lease_seconds: None where the lead has no end.
    term: None while this process does not lead. elsewhere: another one was seen to lead. doubt: why
    it is not known whether this one still does, None while it is.
    """

    def __init__(
        self,
        network: str,
        chain_id: int,
        database: Database,
        leader: str = "",
        lease_seconds: float | None = None,
    ) -> None:
        self.network = network
        self._chain_id = chain_id
        self._database = database
        self._leader = leader
        self._lease_ms = None if lease_seconds is None else round(lease_seconds * 1000)
        self.term: int | None = None
        self.elsewhere = False
        self.doubt: str | None = None
        self._kept_at = monotonic()

    async def take(self, read: Callable[[Transaction], Awaitable[T]]) -> T | None:
        """Take the lead and read what goes with it, in one unit; None while somebody else leads.

        Raises DatabaseUnavailable, and ConfigError if the database has followed another chain
        under this name.
        """

        async def work(tx: Transaction) -> tuple[int, T] | None:
            term = await networks.lead(
                tx,
                self.network,
                self._chain_id,
                leader=self._leader,
                lease_ms=self._lease_ms,
                wait=self._lease_ms is not None,
            )
            return None if term is None else (term, await read(tx))

        began = monotonic()
        taken = await self._database.write(work)
        self.elsewhere, self.doubt, self._kept_at = taken is None, None, began
        if taken is None:
            return None
        self.term, value = taken
        log.info("leading", network=self.network, term=self.term)
        return value

    async def beat(self) -> None:
        """Begin the lease anew, if there is one. Raises DatabaseUnavailable."""
        term, lease_ms = self.term, self._lease_ms
        if term is None or lease_ms is None:
            return
        began = monotonic()
        kept = await self._database.write(
            lambda tx: networks.keep_lead(tx, self.network, term, lease_ms)
        )
        if kept:
            self._kept_at = began
        elif self.term == term:
            self.term, self.elsewhere = None, True
            log.warning("another process leads now", network=self.network)

    async def keep(self, stop: asyncio.Event) -> None:
        """Beat until `stop` is set, and stand by when the lease has ended meanwhile.

        An outage of the database is told by those who need it more; a beat that nobody answers is
        waited for until the lease ends, and longer only by another one.
        """
        while not stop.is_set():
            try:
                async with asyncio.timeout(max(BEAT_SECONDS, self._left_seconds())):
                    await self.beat()
            except (Unavailable, TimeoutError) as trouble:
                log.debug("lead not kept", network=self.network, trouble=str(trouble))
                self._lapse(str(trouble) or "the database does not answer")
            await pause(BEAT_SECONDS, stop)

    def _left_seconds(self) -> float:
        """Return how long the lease lasts, by this process's own clock; none has no end."""
        if self._lease_ms is None:
            return float("inf")
        return self._kept_at + self._lease_ms / 1000 - monotonic()

    def _lapse(self, trouble: str) -> None:
        """Lead no longer, if the lease has ended: somebody else may do so by now."""
        if self.term is None or self._left_seconds() > 0:
            return
        self.term = None
        self.doubt = f"the lead could not be kept: {trouble}"
        log.warning("lead lost", network=self.network, trouble=trouble)

    async def leave(self) -> None:
        """Let somebody else lead at once; if the database is down, when the lease ends."""
        term, self.term = self.term, None
        if term is None or self._lease_ms is None:
            return
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._database.write(lambda tx: networks.leave_lead(tx, self.network, term))
        except (Unavailable, TimeoutError) as trouble:
            log.debug("lead not left", network=self.network, trouble=str(trouble))
