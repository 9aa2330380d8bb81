"""The first way to a node. What it needs takes a second to import: beside the event loop."""

import asyncio
import contextlib
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crypitor.worker.transport import Transport


async def transport_to(url: str) -> "Transport":
    """Return a way to a node that nobody used yet. Others get their turn meanwhile."""
    _let_nobody_recurse()
    await asyncio.to_thread(import_module, "crypitor.worker.transport")  # waits for another one
    from crypitor.worker.transport import open_transport  # noqa: PLC0415 - is there by now

    return open_transport(url)


def _let_nobody_recurse() -> None:
    """Take back at once what py_ecc does to the recursion limit, as in `transport`.

    That comes with web3, whose import goes on for half a second beside what others send to be read.
    """
    usual = sys.getrecursionlimit()
    with contextlib.suppress(ImportError):
        import_module("py_ecc")
    sys.setrecursionlimit(usual)
