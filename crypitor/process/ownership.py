"""Whether this process still owns what it was given at its start, looked at once a second."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Protocol

import structlog

from crypitor.database.engine import Database
from crypitor.database.hold import Hold
from crypitor.database.networks import terms
from crypitor.errors import Displaced, Unavailable
from crypitor.runtime.loop import Health, cut_off, pause_for_any

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 3.0


class Leading(Protocol):
    """A network's lead without an end: nobody else may take it."""

    network: str
    term: int | None
    doubt: str | None


class Ownership:
    """Keeps the hold, and compares the terms of the networks with what is stored.

    leads: those that have no end. While the hold is lost, or cannot be made sure of, they are in
    doubt, and the health says so.
    """

    role = "owner"

    def __init__(
        self, hold: Hold, database: Database, health: Health, leads: Sequence[Leading]
    ) -> None:
        self._hold = hold
        self._database = database
        self._health = health
        self._leads = leads

    async def run(self, stop: asyncio.Event) -> None:
        """Look once a second until `stop` is set. Raises Displaced when another process took over.

        An outage does not make the looks any rarer: who took over meanwhile is noticed soon. What
        is known to be lost is looked for at once, before the service is told to be ready again.
        """
        while not stop.is_set():
            await self.look()
            await pause_for_any(LOOK_SECONDS, stop, self._hold.lost)

    async def look(self) -> None:
        """Look once. Raises Displaced."""
        try:
            await self._hold.keep()
        except Unavailable as trouble:
            self._doubt(f"whether this process still owns the database is not known: {trouble}")
            return
        self._be_sure()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._compare_terms()
        except (Unavailable, TimeoutError) as trouble:  # told by those who need the database more
            log.debug("terms not compared", trouble=str(trouble))

    def _doubt(self, reason: str) -> None:
        for lead in self._leads:
            lead.doubt = reason
        if self._health.begin(self.role, reason):
            log.warning("outage begins", role=self.role, trouble=reason)

    def _be_sure(self) -> None:
        for lead in self._leads:
            lead.doubt = None
        if self._health.end(self.role):
            log.info("outage over", role=self.role, seconds=self._health.seconds(self.role))

    async def _compare_terms(self) -> None:
        before = self._terms()
        if not before:
            return
        stored = await self._database.read(terms, at_once=True)
        after = self._terms()
        for network, term in before.items():
            if after.get(network) == term != stored.get(network):
                raise Displaced(
                    f"another process leads {network} now: its term is {stored.get(network)}, ours"
                    f" was {term}; with the in-process queue only one may run on a database"
                )

    def _terms(self) -> Mapping[str, int]:
        return {lead.network: lead.term for lead in self._leads if lead.term is not None}


@asynccontextmanager
async def kept(hold: Hold) -> AsyncIterator[None]:
    """Keep a hold while the database is opened: bringing its schema up to date may take long.

    Raises Displaced where it was lost to another process meanwhile.
    """

    async def keep() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(Unavailable):  # what is opened tells of it
                await hold.keep()

    keeping = asyncio.create_task(keep(), name="keep the hold")
    try:
        yield
    finally:
        is_lost = keeping.done()
        await cut_off([keeping])
    if is_lost:
        keeping.result()
