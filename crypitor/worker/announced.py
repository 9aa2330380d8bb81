"""Hears the heads that nodes announce by themselves."""

import asyncio
from collections.abc import Callable

import structlog

from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Header
from crypitor.runtime.loop import pause
from crypitor.worker.nodes import Nodes
from crypitor.worker.pace import Pace

log = structlog.get_logger(__name__)

RELISTEN_SECONDS = 5.0


async def listen(
    network: str,
    nodes: Nodes,
    pace: Pace,
    heard: Callable[[Header | None], None],
    stop: asyncio.Event,
) -> None:
    """Tell of each head that a node announces, until `stop` is set.

    heard: told of a head, and with None that none is announced any more.
    """
    while nodes.push and not stop.is_set():
        try:
            async for header in nodes.heads():
                pace.announced = header.number
                heard(header)
        except NodeUnavailable as trouble:
            log.debug("no announcements", network=network, trouble=str(trouble))
        pace.announced = None
        heard(None)
        await pause(RELISTEN_SECONDS, stop)
