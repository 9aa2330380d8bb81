"""Gives up what has not been delivered of a monitor or an endpoint that was deleted, in steps.

The deletion looks at so many deliveries itself. Where there are more, it leaves a row that says so,
and steps do the rest beside everything else. Meanwhile nothing of it is sent: an endpoint that is
not there is not called, and whoever claims deliveries asks which monitors are being cancelled.
"""

import json
from collections.abc import Sequence

from crypitor.database.engine import Row, Transaction
from crypitor.database.sql import skip_locked
from crypitor.database.uncounted import note_cancelled
from crypitor.webhook.delivery import Delivery, Status

LOOKED_AT = 500
"""Deliveries in one step, which takes a few milliseconds."""

SELECT = """select id, created_at, status from deliveries
    where {column} = :subject and (created_at, id) > (:place_at, :place_id)
    order by created_at, id limit :limit"""

CANCEL = """update deliveries set status = 'cancelled', finished_at = :now
    where id in {ids} and status in ('pending', 'waiting')
    returning project_id, monitor_id, endpoint_id, match_id"""

BEGIN = """insert into cancellations (subject_id, place_at, place_id)
    values (:subject, :place_at, :place_id)"""

NEXT = """select subject_id, place_at, place_id from cancellations
    order by subject_id limit 1 {lock}"""

ADVANCE = """update cancellations set place_at = :place_at, place_id = :place_id
    where subject_id = :subject"""

END = "delete from cancellations where subject_id = :subject"

SELECT_CANCELLED = "select subject_id from cancellations where subject_id in {ids}"


async def cancel_for_monitor(tx: Transaction, monitor_id: str, now: int) -> None:
    """Give up what has not been delivered of a monitor that is deleted in this transaction.

    An attempt under way is not stopped; none begins after the commit.
    """
    await _begin(tx, "monitor_id", monitor_id, now)


async def cancel_for_endpoint(tx: Transaction, endpoint_id: str, now: int) -> None:
    """Give up what has not been delivered to an endpoint that is deleted in this transaction.

    An attempt under way is not stopped; none begins after the commit.
    """
    await _begin(tx, "endpoint_id", endpoint_id, now)


async def has_cancellations(tx: Transaction) -> bool:
    """Whether deletions have left deliveries to cancel."""
    return await tx.one("select subject_id from cancellations limit 1") is not None


async def cancel_more(tx: Transaction, now: int) -> bool:
    """Do one step of what deletions have left; False when nothing is left."""
    lock = skip_locked(tx.dialect)
    row = await tx.one(NEXT.format(lock=lock))
    if row is None:
        return False
    subject = row["subject_id"]
    column = "endpoint_id" if subject.startswith("ep_") else "monitor_id"
    last = await _cancel(tx, column, subject, row["place_at"], row["place_id"], now)
    if last is None:
        await tx.run(END, subject=subject)
    else:
        await tx.run(ADVANCE, subject=subject, place_at=last["created_at"], place_id=last["id"])
    return True


async def give_up_cancelled(
    tx: Transaction, deliveries: Sequence[Delivery], now: int
) -> frozenset[str]:
    """Give up those whose monitor is being cancelled, and return their ids.

    To be asked after the claim: a deletion that is committed before this is seen.
    """
    monitors = sorted({one.monitor_id for one in deliveries if one.monitor_id is not None})
    if not monitors:
        return frozenset()
    query = SELECT_CANCELLED.format(ids=tx.listed("ids"))
    rows = await tx.all(query, ids=json.dumps(monitors))
    cancelled = {row["subject_id"] for row in rows}
    ids = [delivery.id for delivery in deliveries if delivery.monitor_id in cancelled]
    await _give_up(tx, ids, now)
    return frozenset(ids)


async def _begin(tx: Transaction, column: str, subject: str, now: int) -> None:
    last = await _cancel(tx, column, subject, -1, "", now)
    if last is not None:
        await tx.run(BEGIN, subject=subject, place_at=last["created_at"], place_id=last["id"])


async def _cancel(
    tx: Transaction, column: str, subject: str, place_at: int, place_id: str, now: int
) -> Row | None:
    """Cancel the open ones of the deliveries after a place; return the last, None at the end."""
    rows = await tx.all(
        SELECT.format(column=column),
        subject=subject,
        place_at=place_at,
        place_id=place_id,
        limit=LOOKED_AT,
    )
    open_ones = (Status.PENDING, Status.WAITING)
    await _give_up(tx, [row["id"] for row in rows if row["status"] in open_ones], now)
    return rows[-1] if len(rows) == LOOKED_AT else None


async def _give_up(tx: Transaction, ids: Sequence[str], now: int) -> None:
    if not ids:
        return
    rows = await tx.all(CANCEL.format(ids=tx.listed("ids")), ids=json.dumps(ids), now=now)
    given_up = [
        (row["project_id"], row["monitor_id"], row["endpoint_id"], row["match_id"]) for row in rows
    ]
    await note_cancelled(tx, given_up, now)
