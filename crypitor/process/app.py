"""The process: opens what it needs, runs its roles side by side, and closes in reverse."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from crypitor.config import ROLES, Config
from crypitor.config.paths import admin_key_path
from crypitor.database.hold import Hold
from crypitor.database.holds import hold_of
from crypitor.errors import ConfigError, Displaced, first_of
from crypitor.process.opening import (
    allow_many_connections,
    announce,
    keep_freed_memory,
    opened_in_time,
    take_short_turns,
)
from crypitor.process.reloading import Reloading, kept_sockets, one_after_the_other
from crypitor.process.roles import Roles
from crypitor.runtime.loop import Health
from crypitor.runtime.signals import run_until_signalled

Started = Callable[[str, str | None], None]
"""Told the API's URL (empty without that role) and the admin key, if one was made just now."""


def run(
    config: Config,
    roles: Sequence[str] = ROLES,
    hold: Hold | None = None,
    reread: Callable[[], Config] | None = None,
    *,
    new: bool = False,
) -> int:
    """Run the service until a signal ends it; return the exit status. The others: see `serve`."""
    allow_many_connections()
    keep_freed_memory()
    take_short_turns()
    hangup = asyncio.Event()
    told = partial(announce, path=admin_key_path(config))

    async def main(stop: asyncio.Event) -> None:
        await serve(config, roles, stop, told, hold, reread, hangup, new=new)

    run_until_signalled(main, hangup.set if reread else None)
    return 0


async def serve(
    config: Config,
    roles: Sequence[str],
    stop: asyncio.Event,
    started: Started,
    hold: Hold | None = None,
    reread: Callable[[], Config] | None = None,
    hangup: asyncio.Event | None = None,
    *,
    new: bool = False,
    doors: Sequence[socket.socket] = (),
) -> None:
    """Run the roles until `stop` is set or one of them fails.

    A database that is down is waited for. hold: what these roles have to hold of it, where that was
    taken already. reread: reads the configuration again; None where it stays as it is. hangup: asks
    for that. new: an empty database is meant, although a key beside it is of one that was not.
    doors: what listens for the API already, where the configuration says; the caller closes them.
    Raises ConfigError where the database or a node does not fit, or another process
    owns the database; Displaced when another one has taken over.
    """
    health = Health()
    try:
        async with AsyncExitStack() as stack:
            hold = hold or hold_of(config, roles)
            stack.push_async_callback(hold.release)
            opened = await opened_in_time(config, roles, hold, stop, health, new=new)
            if opened is None:
                return
            resources, database, admin_key = opened
            stack.push_async_exit(resources)
            reloading = Reloading(config, roles, reread or (lambda: config))
            sockets = stack.enter_context(kept_sockets(doors))

            async def life(
                wanted: Config, over: asyncio.Event, ready: Callable[[str], None]
            ) -> None:
                async with AsyncExitStack() as inner:
                    service = Roles(
                        wanted, roles, inner, database, hold, health, reloading, sockets
                    )
                    await service.run(over, ready)
                health.clear()

            reload = partial(reloading.reload_by_signal, database)
            await one_after_the_other(
                life, reloading, stop, lambda url: started(url, admin_key), hangup, reload
            )
    except* (ConfigError, Displaced) as told:
        raise first_of(told) from None
