"""Windows of endpoints that are told only so much, as the sender enters and leaves them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from crypitor.database.engine import Transaction
from crypitor.webhook.delivery import Delivery, Endpoint
from crypitor.webhook.quiet import MOST_COUNTED, Window, is_full, may_have_left, opened, used
from crypitor.webhook.silence import silent_until

# Nobody waits for a row here: each sender holds others'. Where another has it, or has changed it
# since it was read, this one claims nothing.
HOLD = """select id from endpoints
    where id = :endpoint and quiet_until = :until and quiet_left = :left
    for no key update skip locked"""

LEFT = """select exists (select 1 from deliveries
    where endpoint_id = :endpoint and status = 'pending' and due_at <= :now
        and created_at < :until) as found"""

KEEP = "update endpoints set quiet_until = :until, quiet_left = :left where id = :endpoint"

SELECT_NAMES = "select id, name from monitors where id in {ids}"


@dataclass(frozen=True, slots=True)
class Room:
    """What may be claimed. counts: one message is to count all of it."""

    window: Window
    deliveries: int
    counts: bool


async def room_of(tx: Transaction, endpoint: Endpoint, slots: int, now: int) -> Room | None:
    """Return what may be claimed for so many attempts, None for nothing.

    The endpoint's row is held until the end of the unit, so that no other sender uses the same
    room. One that is told everything has room for all that is asked for.
    """
    quiet, before = endpoint.quiet, endpoint.window
    if (until := silent_until(endpoint.silence, now)) is not None:
        if before != (silent := Window(until, 0)):  # for who finds what is due and what stands
            await tx.run(KEEP, endpoint=endpoint.id, until=silent.until, left=silent.left)
        return None
    if quiet is None:
        return Room(before, slots, counts=False)
    if is_full(quiet, before, now):
        return None
    if tx.dialect == "postgresql":
        held = {"endpoint": endpoint.id, "until": before.until, "left": before.left}
        if await tx.value(HOLD, **held) is None:
            return None
    window = opened(quiet, before, now)
    if may_have_left(quiet, before, now) and await _left(tx, endpoint, now):
        return Room(window, MOST_COUNTED, counts=True)
    return Room(window, min(slots, window.left), counts=False)


async def leave(tx: Transaction, endpoint: Endpoint, room: Room, claimed: int) -> Window:
    """Store what a claim of so many deliveries, one or more, used; return the window after it."""
    window = used(room.window, 1 if room.counts else claimed)
    await tx.run(KEEP, endpoint=endpoint.id, until=window.until, left=window.left)
    return window


async def names_of(tx: Transaction, deliveries: Iterable[Delivery]) -> dict[str, str]:
    """Return the names of the monitors of deliveries, by id; of those that there are."""
    ids = sorted({delivery.monitor_id for delivery in deliveries if delivery.monitor_id})
    rows = await tx.all(SELECT_NAMES.format(ids=tx.listed("ids")), ids=json.dumps(ids))
    return {row["id"]: row["name"] for row in rows}


async def _left(tx: Transaction, endpoint: Endpoint, now: int) -> bool:
    values = {"endpoint": endpoint.id, "now": now, "until": endpoint.window.until}
    return bool(await tx.value(LEFT, **values))
