"""What the processes of one service tell each other of themselves, through the database."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

import structlog

from crypitor.database.engine import Database, Transaction
from crypitor.database.processes import Told, leave_process, tell_process, tell_standing, told
from crypitor.errors import Unavailable

log = structlog.get_logger(__name__)

TELL_SECONDS = 1.0
HEARD_MS = 10_000
"""Who told nothing for so long is not shown any more."""
LEAVE_SECONDS = 2.0

Led = Mapping[str, tuple[int, Mapping[str, object]]]
"""Network → the term in which this process leads it, and how it stands."""


def name_of(host: str, process: int, life: str) -> str:
    """Return the name of a process in this life."""
    return f"{host}:{process}:{life}"


def life_of(name: str) -> str:
    """Return the life of a process, unlike any other's, out of its name."""
    return name.rpartition(":")[2]


class Processes:
    """Tells how this process stands, and knows what the others told.

    name: of this process in this life.
    """

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._told = Told({}, {}, {})
        self._hearing_since: float | None = None

    async def exchange(self, itself: Mapping[str, object], led: Led) -> None:
        """Tell how this process and its networks stand, and hear the others.

        Raises DatabaseUnavailable; then nothing is known of the others.
        """

        async def work(tx: Transaction) -> Told:
            await tell_process(tx, self._name, json.dumps(itself))
            for network, (term, standing) in sorted(led.items()):
                await tell_standing(tx, network, term, json.dumps(standing))
            return await told(tx, HEARD_MS)

        try:
            self._told = await self._database.write(work)
        except Unavailable:
            self._told, self._hearing_since = Told({}, {}, {}), None
            raise
        if self._hearing_since is None:
            self._hearing_since = monotonic()

    async def leave(self) -> None:
        """Say that this process has ended, if the database hears it."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._database.write(lambda tx: leave_process(tx, self._name))
        except (Unavailable, TimeoutError) as trouble:
            log.debug("end not told", trouble=str(trouble))

    @property
    def all(self) -> Sequence[Mapping[str, Any]]:
        """What each process told of late, this one among them."""
        return [{"id": name, **json.loads(text)} for name, text in self._told.processes.items()]

    async def living(self) -> set[str] | None:
        """Return the lives of the processes that told something of late; None while not known.

        After the start, or an outage, that is known as soon as each of them had its time to tell.
        """
        since = self._hearing_since
        if since is None or monotonic() - since < HEARD_MS / 1000:
            return None
        return {life_of(name) for name in self._told.processes}

    def standing(self, network: str) -> dict[str, object] | None:
        """Return how a network stands by its leader, None if nobody told of late."""
        text = self._told.standings.get(network)
        standing: dict[str, object] | None = None if text is None else json.loads(text)
        return standing

    def tip(self, network: str) -> tuple[int, int] | None:
        """Return height and timestamp of a network's newest matched block."""
        return self._told.tips.get(network)
