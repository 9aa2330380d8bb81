"""Takes over what senders had claimed that are gone, in place of waiting for their leases."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from typing import TypeAlias

import structlog

from crypitor.database.claims import claimers, end_claims
from crypitor.database.engine import Database
from crypitor.database.hold import Hold
from crypitor.process.peers import Processes
from crypitor.runtime.loop import clock

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0

Living: TypeAlias = Callable[[], Awaitable[Collection[str] | None]]


class Takeover:
    """A step looks who lives, and ends the claims of those who do not.

    life: of this process. living: the lives of the other processes; None while they are not known.
    wake: told the endpoints that have something due. clock: unix milliseconds.
    """

    def __init__(
        self,
        database: Database,
        life: str,
        *,
        living: Living,
        wake: Callable[[Iterable[str]], None],
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._life = life
        self._living = living
        self._wake = wake
        self._clock = clock
        self._seen: set[str] | None = None

    async def step(self) -> bool:
        """Look once; always False. The database is asked at the start, and when somebody is gone.

        Who has claims is asked before who lives: who began in between has none among them.
        """
        living = await self._living()
        if living is None:
            self._seen = None
            return False
        if self._seen is None or self._seen - {*living}:
            now = self._clock()
            known = await self._database.read(lambda tx: claimers(tx, now))
            living = await self._living()
            if living is None:
                return False
            await self._end(known - {*living} - {self._life})
        self._seen = {*living}
        return False

    async def _end(self, gone: Collection[str]) -> None:
        if not gone:
            return
        now = self._clock()
        ended = await self._database.write(lambda tx: end_claims(tx, gone, now))
        if ended:
            log.info("claims of senders that are gone have ended", deliveries=len(ended))
            self._wake({*ended})


def takeover_of(
    database: Database,
    life: str,
    living: Living,
    wake: Callable[[Iterable[str]], None],
    sender: object | None,
) -> Iterator[tuple[str, Callable[[], Awaitable[bool]], float]]:
    """Yield name, step and seconds between two steps, in a process that sends."""
    if sender is not None:
        takeover = Takeover(database, life, living=living, wake=wake, clock=clock)
        yield "takeover", takeover.step, LOOK_SECONDS


def living_of(hold: Hold, processes: Processes | None, *, shared: bool) -> Living:
    """Return what tells which other processes live.

    shared: whether they are on several machines, with Kafka: then what they tell is all that is
    known of them; elsewhere what they hold says it exactly, and at once.
    """
    if shared and processes is not None:
        return processes.living

    async def holders() -> Collection[str] | None:
        others = await hold.others()
        return None if others is None else {other.life for other in others}

    return holders
