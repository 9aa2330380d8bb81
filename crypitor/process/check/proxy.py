"""What `check` finds of the proxy through which webhooks go: whether it keeps them from the inside.

The proxy resolves the names, so it is the one that has to refuse inside addresses. A door is opened
on this machine for a moment, and the proxy is asked to go there: what arrives went through.
"""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from crypitor.config import Config
from crypitor.errors import words_of
from crypitor.process.check.finding import Finding, fine, trouble, warning
from crypitor.webhook.egress import is_public

SUBJECT = "webhook.proxy"
SECONDS = 5.0
METADATA = ("169.254.169.254", 80)
"""Where clouds tell a machine its credentials."""

CURE = (
    "let the proxy refuse private, loopback and link-local addresses, also those that names lead to"
    " (docs/webhooks.md, Through a proxy)"
)


async def proxy_findings(config: Config) -> list[Finding]:
    """Ask the proxy for places inside; nothing where there is none."""
    secret = config.webhook.proxy
    if secret is None:
        return []
    parts = urlsplit(secret.get_secret_value())
    host, port = parts.hostname or "", parts.port or 80
    entry = ""
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        entry = f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}\r\n"
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(host, port)
            here = writer.get_extra_info("sockname")[0]
            writer.close()
    except (OSError, TimeoutError) as error:
        why = words_of(error) if isinstance(error, OSError) and error.args else "no answer"
        sentence = f"{host}:{port} cannot be reached: {why}; webhooks wait for it"
        return [trouble(SUBJECT, sentence, "start the proxy, or correct webhook.proxy")]
    return [await _judged((host, port), entry, here)]


async def _judged(proxy: tuple[str, int], entry: str, here: str) -> Finding:
    statuses = {}
    if not is_public(ip_address(here.partition("%")[0])):
        async with _door(here) as (door, arrived):
            for way in ("CONNECT", "GET"):
                statuses[f"{way} {here}"] = await _asked(proxy, entry, way, (here, door))
            if arrived.is_set():
                return trouble(
                    SUBJECT, f"lets webhooks go inside: it called {here} for one who asked", CURE
                )
    for way in ("CONNECT", "GET"):
        status = await _asked(proxy, entry, way, METADATA)
        statuses[f"{way} {METADATA[0]}"] = status
        if status is not None and 200 <= status < 300:
            return trouble(SUBJECT, f"lets webhooks go inside: it called {METADATA[0]}", CURE)
    if 407 in statuses.values():
        cure = "correct user and password in webhook.proxy"
        return trouble(SUBJECT, "does not let us in (407): no webhook goes through it", cure)
    tried = [way for way, status in statuses.items() if status is None or status >= 500]
    if tried:
        sentence = f"may go inside: it did not refuse {', '.join(tried)}, it failed at them"
        return warning(SUBJECT, sentence, CURE)
    return fine(SUBJECT, f"is reachable, and refuses {', '.join(statuses)}")


@asynccontextmanager
async def _door(here: str) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """Listen on a free port of an address; gives it, and what is set when somebody came."""
    arrived, word = asyncio.Event(), secrets.token_hex(8).encode()

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        with suppress(OSError):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + word)
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(greet, here, 0)
    try:
        yield server.sockets[0].getsockname()[1], arrived
    finally:
        server.close()


async def _asked(
    proxy: tuple[str, int], entry: str, way: str, place: tuple[str, int]
) -> int | None:
    """Ask a proxy for a place; return the status that it answers, None where it answers none."""
    host = f"[{place[0]}]" if ":" in place[0] else place[0]
    where = f"{host}:{place[1]}"
    target = where if way == "CONNECT" else f"http://{where}/"
    writer = None
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(*proxy)
            request = (
                f"{way} {target} HTTP/1.1\r\nHost: {where}\r\n{entry}Connection: close\r\n\r\n"
            )
            writer.write(request.encode())
            words = (await reader.readline()).split()
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else None
    except (OSError, TimeoutError, ValueError):
        return None
    finally:
        if writer is not None:
            writer.close()
