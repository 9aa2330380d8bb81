"""The first way to a node. What it needs takes a moment to import: beside the event loop."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crypitor.worker.transport import Transport


async def transport_to(url: str) -> "Transport":
    """Return a way to a node that nobody used yet. Others get their turn meanwhile."""
    await asyncio.to_thread(import_module, "crypitor.worker.transport")  # waits for another one
    from crypitor.worker.transport import open_transport  # noqa: PLC0415 - is there by now

    return open_transport(url)
