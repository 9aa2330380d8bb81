"""Deliveries that have ended and are to be sent again, with the phases of each match in order."""

import json
from collections import defaultdict
from collections.abc import Collection

from crypitor.database.engine import Row, Transaction
from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import Care, Notice, Status

# The second look sees what was queued while the first one waited for its locks.
LOCK = """select id from deliveries
    where match_id in (select match_id from deliveries where id in {ids})
    order by id for no key update"""

SELECT = """select id, match_id, endpoint_id, phase, status, follows, created_at from deliveries
    where match_id in (select match_id from deliveries where id in {ids})"""

# The schedule begins anew; the number of the next attempt goes on.
REOPEN = """update deliveries set status = :status, follows = :follows, due_at = :now,
        wait_ms = 0, earlier_attempts = attempts, finished_at = null
    where id = :id"""

HOLD_BACK = "update deliveries set status = 'waiting', follows = :follows where id = :id"

# A claim is due again when its lease ends. What is due later than any lease could end is waiting
# for its next attempt; what is due earlier may be under way, and comes soon anyhow. Who asks for
# this one wants it by itself, however much its monitor has told.
HURRY = """update deliveries set due_at = :now, wait_ms = 0, quiet = null
    where id = :id and status = 'pending' and due_at > :leased_until"""

OPEN = (Status.PENDING, Status.WAITING)
# A notice stands alone, whatever its number.
PHASES = tuple(phase.value for phase in (*Phase, *Notice, *Care))


async def reopen(tx: Transaction, delivery_ids: Collection[str], now: int) -> set[str]:
    """Make deliveries due again that were taken or given up; return the ids of their endpoints.

    They keep id and body. A later phase of the same match at the same endpoint that is still open
    waits for them, and of several phases each waits for the one before it.
    """
    if not delivery_ids:
        return set()
    ids = json.dumps(sorted(delivery_ids))
    listed = tx.listed("ids")
    if tx.dialect == "postgresql":
        await tx.run(LOCK.format(ids=listed), ids=ids)
    told: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in await tx.all(SELECT.format(ids=listed), ids=ids):
        told[row["match_id"], row["endpoint_id"]].append(row)
    reopened: list[tuple[object, ...]] = []
    held_back: list[tuple[object, ...]] = []
    for rows in told.values():
        before = None
        for row in sorted(rows, key=_order):
            if row["id"] in delivery_ids:
                status = Status.WAITING if before else Status.PENDING
                reopened.append((status.value, before or row["follows"], now, row["id"]))
            elif row["status"] not in OPEN:
                continue
            elif before:
                held_back.append((before, row["id"]))
            before = row["id"]
    await tx.many(REOPEN, reopened)
    await tx.many(HOLD_BACK, held_back)
    return {endpoint for _, endpoint in told}


async def hurry(tx: Transaction, delivery_id: str, now: int, lease_ms: int) -> None:
    """Make the next attempt of a pending delivery due now, unless one may be under way."""
    await tx.run(HURRY, id=delivery_id, now=now, leased_until=now + lease_ms)


def _order(row: Row) -> tuple[object, ...]:
    """Return what sorts the phases of a match as they came; a block can come back."""
    return row["created_at"], PHASES.index(row["phase"]), row["id"]
