"""What `check` finds of a service that runs already, and of the place where one would listen."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from crypitor.config import Config
from crypitor.config.places import local_url
from crypitor.database.hold import Holder, Part
from crypitor.errors import words_of
from crypitor.process.check.finding import Finding, fine, trouble
from crypitor.runtime.certificates import believing

ANSWER_SECONDS = 10.0
SUBJECT = "service"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What answered at the service's URL. ready: what /readyz says; None where it is not ours."""

    status: int
    ready: dict[str, Any] | None


async def service_finding(config: Config, holders: Sequence[Holder] | None) -> Finding:
    """Ask a running service for its /readyz; else see whether its place is free.

    holders: who holds the database; None where that is not known.
    """
    url, here = local_url(config), socket.gethostname()
    answer = await _asked(url, config.server.tls_certificate) if config.server.port else None
    if answer is not None and answer.ready and holders == [] and config.queue.kind == "memory":
        return trouble(
            SUBJECT,
            f"a Crypitor with another database answers at {url}",
            "set server.port to a free one, or --config to that one's configuration",
        )
    if answer is not None:
        return _ready(url, answer)
    for one in holders or ():
        if config.server.port and one.host == here and Part.API in one.parts:
            return trouble(
                SUBJECT,
                f"{one} has the API of this database, but nobody answers at {url}",
                "give this command the configuration and the environment of that process (--config,"
                f" CRYPITOR__…); if it hangs: kill {one.process} and `crypitor run`",
            )
    if holders:
        return fine(
            SUBJECT,
            f"{' and '.join(map(str, holders))} runs; where its API listens is not known here",
        )
    if mistake := await asyncio.to_thread(_mistake_of_place, config):
        return mistake
    return fine(SUBJECT, "is not running; `crypitor run` starts it")


def _ready(url: str, answer: _Answer) -> Finding:
    ready = answer.ready
    if ready is None:
        return trouble(
            SUBJECT,
            f"another program answers at {url}",
            "stop it, or set server.port to a free one",
        )
    if answer.status == 200:
        degraded = ready.get("degraded") or []
        if degraded:
            return trouble(
                SUBJECT,
                f"runs at {url}, but {', '.join(map(str, degraded))} stand still",
                f"see `trouble` in {url}/v1/networks, and the log",
            )
        return fine(SUBJECT, f"runs at {url} and is ready")
    troubles = ready.get("troubles") or {
        "service": ready.get("detail") or f"answers {answer.status}"
    }
    told = "; ".join(f"{name}: {text}" for name, text in sorted(troubles.items()))
    return trouble(
        SUBJECT,
        f"runs at {url} and is not ready: {told}",
        "what stands below says what of it is in trouble; the service goes on by itself when that"
        " is over",
    )


async def _asked(url: str, certificate: str) -> _Answer | None:
    """Return what answers at a URL, None if nobody listens there.

    certificate: file with the one that is believed; empty for none.
    """
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        believed = believing(certificate) if certificate else True
        connector = aiohttp.TCPConnector(ssl=believed)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as http,
            http.get(f"{url}/readyz", allow_redirects=False) as answer,
        ):
            text = await answer.text()
    except aiohttp.ClientSSLError:
        return _Answer(0, None)
    except aiohttp.ClientConnectorError:
        return None
    except (aiohttp.ClientError, OSError, ValueError):
        return _Answer(0, None)
    ready = None
    with contextlib.suppress(json.JSONDecodeError):
        ready = json.loads(text)
    ours = isinstance(ready, dict) and (ready.get("status") in {"ready", 503})
    return _Answer(answer.status, ready if ours else None)


def _mistake_of_place(config: Config) -> Finding | None:
    """Try to listen where the service would."""
    server = config.server
    try:
        found = socket.getaddrinfo(
            server.host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                if os.name == "posix":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
    except OSError as error:
        return trouble(
            SUBJECT,
            f"cannot listen on {server.host}:{server.port}: {words_of(error)}",
            "set server.host to an address of this machine, and server.port to a free one",
        )
    return None
