"""Looks up host names in threads of its own.

The event loop's executor has a handful of threads: a few names whose DNS server hangs would stop
every other look-up in the process. And an executor's threads are waited for at exit, however long
the look-up takes; these are not.
"""

import asyncio
import contextlib
import socket
from threading import Thread
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

MOST_LOOKUPS = 64


class Names(AbstractResolver):
    """What the operating system says of a name, at most `MOST_LOOKUPS` at once."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(MOST_LOOKUPS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises OSError when it has none."""
        async with self._slots:
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[list[Any]] = loop.create_future()
            Thread(
                target=_look_up, args=(host, port, family, loop, answer), name="dns", daemon=True
            ).start()
            found = await answer
        return [
            ResolveResult(
                hostname=host,
                host=_numeric(sockaddr),
                port=port,
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, proto, _, sockaddr in found
        ]

    async def close(self) -> None:
        """Nothing is held: threads that still wait are daemons."""


def _look_up(
    host: str,
    port: int,
    family: socket.AddressFamily,
    loop: asyncio.AbstractEventLoop,
    answer: asyncio.Future[list[Any]],
) -> None:
    try:
        found = socket.getaddrinfo(
            host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    except (OSError, UnicodeError) as error:
        told = error if isinstance(error, OSError) else OSError(str(error))
        _tell(loop, answer, lambda: answer.set_exception(told))
    else:
        _tell(loop, answer, lambda: answer.set_result(found))


def _tell(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[list[Any]], tell: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
        loop.call_soon_threadsafe(lambda: None if answer.done() else tell())


def _numeric(sockaddr: tuple[Any, ...]) -> str:
    host = str(sockaddr[0])
    scope = sockaddr[3] if len(sockaddr) == 4 else 0
    return f"{host}%{scope}" if scope and "%" not in host else host
