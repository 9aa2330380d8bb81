"""Endpoints as the first page shows them: those in trouble first, and what is queued at them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from crypitor.database.deliveries import first_queued
from crypitor.database.endpoints import COLUMNS, endpoint_of
from crypitor.database.engine import Transaction
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.health import Queued

MOST_COUNTED = 1_000
"""Of the deliveries that are pending at an endpoint: there may be a million."""

# The lower the worse; what is unwell without being called so yet comes before what its owner has
# switched off.
RANK = """case when state = 'disabled' then 0 when state = 'failing' then 1
    when circuit <> 'closed' or failures_in_row > 0 then 2 when enabled = 0 then 3 else 4 end"""

SELECT = f"""select {COLUMNS} from endpoints where id in (
        select id from endpoints where project_id = :project_id
        order by {RANK}, id desc limit :limit)
    order by {RANK}, id desc"""  # noqa: S608 - our own column names

COUNT = """select state, count(*) as endpoints from endpoints where project_id = :project_id
    group by state"""

SELECT_QUEUED = """select e.id,
        (select count(*) from (select 1 from deliveries d
            where d.endpoint_id = e.id and d.status = 'pending' limit :most) counted) as pending,
        (select d.error from deliveries d where d.endpoint_id = e.id and d.status = 'pending'
            order by d.position limit 1) as error
    from endpoints e where e.id in {ids}"""


ENDING = """select id, name, expires_at from api_keys
    where project_id = :project_id and revoked_at is null and expires_at is not null
        and expires_at > :now and expires_at <= :until
    order by expires_at limit :limit"""

ANY = """select count(*) from (select 1 from endpoints
    where project_id = :project_id and state in ('disabled', 'failing') limit 1) found"""


@dataclass(frozen=True, slots=True)
class Ending:
    """A key that opens nothing from `at` on, unix milliseconds."""

    id: str
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Standing:
    """An endpoint and what is queued at it.

    pending: deliveries, at most `MOST_COUNTED` + 1. error: of the last attempt that is known to
    have failed, None where nothing is wrong.
    """

    endpoint: Endpoint
    first: Queued | None
    pending: int
    error: str | None


async def standings(tx: Transaction, project_id: str, limit: int) -> list[Standing]:
    """Return endpoints of a project, the worst first, then the newest."""
    rows = await tx.all(SELECT, project_id=project_id, limit=limit)
    endpoints = [endpoint_of(tx, row) for row in rows]
    ids = [endpoint.id for endpoint in endpoints]
    first, queued = await first_queued(tx, ids), await _queued(tx, ids)
    return [
        Standing(
            endpoint,
            first.get(endpoint.id),
            queued[endpoint.id][0],
            endpoint.state_reason or queued[endpoint.id][1],
        )
        for endpoint in endpoints
    ]


async def keys_that_end(
    tx: Transaction, project_id: str, now: int, until: int, limit: int
) -> list[Ending]:
    """Return the keys of a project that expire between two times, the first of them first."""
    rows = await tx.all(ENDING, project_id=project_id, now=now, until=until, limit=limit)
    return [Ending(row["id"], row["name"], row["expires_at"]) for row in rows]


async def any_in_trouble(tx: Transaction, project_id: str) -> bool:
    """Whether an endpoint of a project is failing or disabled."""
    return bool(await tx.value(ANY, project_id=project_id))


async def count_standings(tx: Transaction, project_id: str) -> dict[str, int]:
    """Return how many endpoints of a project there are in each state that any is in."""
    rows = await tx.all(COUNT, project_id=project_id)
    return {row["state"]: row["endpoints"] for row in rows}


async def _queued(tx: Transaction, ids: Sequence[str]) -> dict[str, tuple[int, str | None]]:
    rows = await tx.all(
        SELECT_QUEUED.format(ids=tx.listed("ids")), ids=json.dumps(ids), most=MOST_COUNTED + 1
    )
    return {row["id"]: (row["pending"], row["error"]) for row in rows}
