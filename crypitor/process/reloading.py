"""Takes a changed configuration without a restart of the process.

What is read anew is looked through first; then the roles end as at a stop, and others begin by it,
on the same database, hold and port. Whoever connects meanwhile waits for a moment.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from crypitor.config import Config, check_roles
from crypitor.config.changes import applied, changed_keys, wants_restart
from crypitor.database.engine import Database
from crypitor.database.networks import chain_ids
from crypitor.errors import ConfigError, Unavailable
from crypitor.runtime.log import levels

log = structlog.get_logger(__name__)

Life = Callable[[Config, asyncio.Event, Callable[[str], None]], Awaitable[None]]
"""The roles by one configuration until the event is set; tells the API's URL when they run."""


Sockets: TypeAlias = tuple[list[socket.socket], list[socket.socket]]
"""What listens for the API, or the health in its place, and for the metrics."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload found. changed: keys in force now; restart: those that wait for a restart."""

    changed: Sequence[str]
    restart: Sequence[str]


class Reloading:
    """One process's configuration, and the wish for another one.

    reread: reads it from where it was read at the start; raises ConfigError.
    """

    def __init__(self, config: Config, roles: Sequence[str], reread: Callable[[], Config]) -> None:
        self.config = config
        self.wanted = asyncio.Event()
        self._next = config
        self._roles = roles
        self._reread = reread
        self._turn = asyncio.Lock()

    async def reload(self, database: Database) -> Reloaded:
        """Read the configuration again, and let it be taken if it has no mistake.

        Raises ConfigError with all mistakes, and DatabaseUnavailable; then nothing is changed.
        """
        async with self._turn:
            read = await asyncio.to_thread(self._reread)
            config = applied(self.config, read)
            check_roles(config, self._roles)
            await _check_chains(config, database)
            keys = changed_keys(self.config, read)
            found = Reloaded(
                [key for key in keys if not wants_restart(key)],
                [key for key in keys if wants_restart(key)],
            )
            self._next = config
            if config != self.config:
                self.wanted.set()
            log.info("configuration read again", changed=found.changed, restart=found.restart)
            return found

    async def reload_by_signal(self, database: Database) -> None:
        """Do so, and tell mistakes in the log."""
        try:
            await self.reload(database)
        except ConfigError as wrong:
            log.warning("configuration not taken", mistakes=list(wrong.mistakes))
        except Unavailable as trouble:
            log.warning("configuration not taken", trouble=str(trouble))

    def take(self) -> Config:
        """Return the configuration that is in force from now on."""
        self.config = self._next
        self.wanted.clear()
        return self.config


async def one_after_the_other(
    life: Life,
    reloading: Reloading,
    stop: asyncio.Event,
    started: Callable[[str], None],
    hangup: asyncio.Event | None,
    reload: Callable[[], Awaitable[None]],
) -> None:
    """Live by the configuration until another one is to be taken, then by that, until `stop`.

    hangup: calls for `reload`. The level of the log follows.
    """
    heeding = asyncio.create_task(_heed(hangup, reload), name="reload")
    try:
        while not stop.is_set():
            config = reloading.take()
            levels.reset(config.log.level)
            async with _either(stop, reloading.wanted) as over:
                await life(config, over, started)
            started = _taken
    finally:
        heeding.cancel()


def _taken(_url: str) -> None:
    log.info("configuration taken")


async def _heed(hangup: asyncio.Event | None, reload: Callable[[], Awaitable[None]]) -> None:
    while hangup is not None:
        await hangup.wait()
        hangup.clear()
        await reload()


@asynccontextmanager
async def _either(*events: asyncio.Event) -> AsyncIterator[asyncio.Event]:
    """Give an event that is set as soon as one of these is."""
    over = asyncio.Event()
    waiting = [asyncio.create_task(event.wait(), name="end of a life") for event in events]
    for one in waiting:
        one.add_done_callback(lambda _: over.set())
    try:
        yield over
    finally:
        for one in waiting:
            one.cancel()


@contextmanager
def kept_sockets(doors: Sequence[socket.socket] = ()) -> Iterator[Sockets]:
    """Give lists of sockets that are closed in the end. doors: copied for the API's."""
    kept: Sockets = ([one.dup() for one in doors], [])
    try:
        yield kept
    finally:
        for one in (*kept[0], *kept[1]):
            one.close()


async def _check_chains(config: Config, database: Database) -> None:
    """Refuse what a worker would end the process for."""
    known = await database.read(chain_ids)
    mistakes = [
        f"networks.{name}.chain_id: is {network.chain_id}, but chain {known[name]} has been"
        " followed under this name; give the network another name"
        for name, network in config.followed.items()
        if known.get(name, network.chain_id) != network.chain_id
    ]
    if mistakes:
        raise ConfigError("the configuration does not fit the database", mistakes)
