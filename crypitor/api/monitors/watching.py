"""What the index, if it is in this process, is told once a change of monitors is stored."""

from collections.abc import AsyncIterator

from crypitor.api.serving.call import Call, Effect
from crypitor.database.addresses import all_addresses
from crypitor.errors import Unavailable
from crypitor.monitor.index import Labelled
from crypitor.monitor.models import Monitor

ADDED_AT_ONCE = 1_000
"""How many addresses the index takes in one slice: half a millisecond."""


def put(call: Call, monitor: Monitor) -> Effect:
    """Return what gives the index a monitor, whose addresses it has."""

    async def effect() -> None:
        if call.context.index is not None:
            call.context.index.put(monitor)

    return effect


def watch(call: Call, monitor: Monitor, pairs: list[Labelled] | None) -> Effect:
    """Return what gives the index a monitor and all its addresses, at one moment.

    pairs: None for those that are stored.
    """

    async def chunks() -> AsyncIterator[list[Labelled]]:
        if pairs is not None:
            yield pairs
            return
        async for chunk in all_addresses(call.context.database, monitor.id):
            yield chunk

    async def effect() -> None:
        index = call.context.index
        if index is None or not monitor.enabled:
            return
        try:
            with index.replacing(monitor) as add:
                async for chunk in chunks():
                    for start in range(0, len(chunk), ADDED_AT_ONCE):
                        add(chunk[start : start + ADDED_AT_ONCE])
                        await call.context.give_way()
        except Unavailable:
            call.context.in_doubt()
            raise

    return effect


def forget(call: Call, monitor_id: str) -> Effect:
    """Return what takes a monitor out of the index."""

    async def effect() -> None:
        if call.context.index is not None:
            call.context.index.remove(monitor_id)

    return effect
