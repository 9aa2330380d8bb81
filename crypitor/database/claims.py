"""Whose claims are open, and their end before the lease's, where who made them is gone.

What is ended is due; its token stays as it is. Should its sender live all the same, what it records
before somebody else claims still counts, and nothing after that.
"""

import json
from collections.abc import Collection

from crypitor.database.engine import Transaction
from crypitor.database.pending import PENDING


def _ahead(what: str) -> str:
    """Return the beginning of a look at what lies ahead: claims, and those that wait to be tried.

    What is due is never read, however much of it there is at an endpoint that is down.
    """
    return f"""{PENDING}
    select {what} from pending join deliveries d on d.endpoint_id = pending.id
    where d.status = 'pending' and d.due_at > :now and d.claimed_by """  # noqa: S608 - parts of SQL


CLAIMERS = _ahead("distinct d.claimed_by") + "is not null"

CLAIMED = _ahead("d.id") + "in {gone} order by d.id {lock}"

END = """update deliveries set due_at = :now, claimed_by = null
    where id in {ids} and status = 'pending' and claimed_by in {gone} returning endpoint_id"""

# An endpoint that is being tried rests until nothing can be heard any more of the one attempt.
TRIED = """update endpoints set circuit_until = :now
    where id in {endpoints} and circuit = 'half-open' and circuit_until > :now
        and not exists (select 1 from deliveries d
            where d.endpoint_id = endpoints.id and d.status = 'pending' and d.due_at > :now
                and d.claimed_by is not null)"""


async def claimers(tx: Transaction, now: int) -> set[str]:
    """Return which processes have claims whose lease lasts, by their lives."""
    return {row["claimed_by"] for row in await tx.all(CLAIMERS, now=now)}


async def end_claims(tx: Transaction, gone: Collection[str], now: int) -> list[str]:
    """Make due what processes had claimed that are gone; return the endpoint of each delivery."""
    values = {"gone": json.dumps(sorted(gone)), "now": now}
    listed = tx.listed("gone")
    # In the order in which everybody locks them.
    lock = "for no key update of d" if tx.dialect == "postgresql" else ""
    rows = await tx.all(CLAIMED.format(gone=listed, lock=lock), **values)
    if not rows:
        return []
    ids = json.dumps([row["id"] for row in rows])
    ended = await tx.all(END.format(ids=tx.listed("ids"), gone=listed), ids=ids, **values)
    endpoints = [row["endpoint_id"] for row in ended]
    tried = TRIED.format(endpoints=tx.listed("endpoints"))
    await tx.run(tried, endpoints=json.dumps(sorted({*endpoints})), now=now)
    return endpoints
