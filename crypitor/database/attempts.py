"""The sender's half of the deliveries: what is due, claims, and what came of attempts.

A claim is a lease and a fencing token: `due_at` moves on by the lease, `token` grows. A sender that
dies loses its claim when the lease runs out; one that was only slow finds that the token has grown,
and what it wanted to record is dropped. Recording takes the token too, so that it counts once even
when it was committed and the answer to COMMIT was lost.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crypitor.database.deliveries import COLUMNS, delivery_of, statuses
from crypitor.database.endpoints import COLUMNS as ENDPOINT_COLUMNS
from crypitor.database.endpoints import endpoint_of
from crypitor.database.engine import Transaction
from crypitor.webhook.delivery import Delivery, Endpoint, Result, State, Status, endpoint_after

# From each endpoint's first entry in the index to the next endpoint's: the cost grows with the
# endpoints that have something pending, and not with how much that is.
SELECT_DUE = """with recursive endpoint (id) as (
        select (select endpoint_id from deliveries where status = 'pending'
            order by endpoint_id limit 1)
        union all
        select (select d.endpoint_id from deliveries d
            where d.status = 'pending' and d.endpoint_id > endpoint.id
            order by d.endpoint_id limit 1)
        from endpoint where endpoint.id is not null),
    due (id, due_at) as materialized (
        select endpoint.id, (select d.due_at from deliveries d
            where d.status = 'pending' and d.endpoint_id = endpoint.id
            order by d.due_at limit 1)
        from endpoint where endpoint.id is not null)
    select due.id, due.due_at, e.failures_in_row
    from due join endpoints e on e.id = due.id
    where due.due_at <= :before and e.enabled = 1 and e.state <> 'disabled'
    order by due.due_at"""

# The condition is repeated outside: between choosing and updating, another sender may have come.
CLAIM = """with chosen as materialized (
        select id from deliveries
        where endpoint_id = :endpoint and status = 'pending' and due_at <= :now
        order by due_at limit :limit {lock})
    update deliveries set due_at = :leased_until, token = token + 1
    where id in (select id from chosen) and status = 'pending' and due_at <= :now
    returning {columns}"""

# First in, first out: the oldest one, or none while that one waits for its next attempt. Deliveries
# of one block were created in one instant; their matches' positions tell them apart.
CLAIM_OLDEST = """with oldest as materialized (
        select d.id from deliveries d left join matches m on m.id = d.match_id
        where d.endpoint_id = :endpoint and d.status = 'pending'
        order by d.created_at, m.position, d.id limit 1)
    update deliveries set due_at = :leased_until, token = token + 1
    where id in (select id from oldest) and status = 'pending' and due_at <= :now
    returning {columns}"""

RECORD = """update deliveries set status = :status, attempts = :attempts, due_at = :due_at,
        error = :error, finished_at = :finished_at, token = token + 1
    where id = :id"""

INSERT_ATTEMPT = """insert into attempts
    (delivery_id, number, started_at, duration_ms, status_code, error, answer)
    values (:delivery_id, :number, :started_at, :duration_ms, :status_code, :error, :answer)"""

RELEASE = """update deliveries set status = 'pending', due_at = :now
    where status = 'waiting' and follows in {ended} returning endpoint_id"""

UPDATE_ENDPOINT = """update endpoints set failures_in_row = :failures, failing_since = :since,
        state = :state, state_reason = :reason, enabled = :enabled
    where id = :id"""


@dataclass(frozen=True, slots=True)
class Due:
    """An endpoint's earliest pending delivery. due_at: unix milliseconds."""

    endpoint_id: str
    due_at: int
    failures_in_row: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What counted.

    results: those whose claim was still theirs. released: endpoints at which a later phase has
    become due.
    """

    results: tuple[Result, ...]
    released: frozenset[str]


async def due_endpoints(tx: Transaction, before: int) -> list[Due]:
    """Return the endpoints that may be called and have something due by then, longest due first.

    before: unix milliseconds.
    """
    rows = await tx.all(SELECT_DUE, before=before)
    return [Due(row["id"], row["due_at"], row["failures_in_row"]) for row in rows]


async def load_endpoints(tx: Transaction, endpoint_ids: Iterable[str]) -> dict[str, Endpoint]:
    """Return those of the endpoints that exist, by id."""
    return {endpoint.id: endpoint for endpoint in await _endpoints(tx, endpoint_ids)}


async def claim(
    tx: Transaction, endpoint: Endpoint, now: int, lease_ms: int, limit: int
) -> list[Delivery]:
    """Take due deliveries of one endpoint, longest due first, for as long as the lease.

    At most `limit`; of an ordered endpoint the oldest one or none. A disabled endpoint keeps all.
    """
    if not endpoint.enabled or endpoint.state is State.DISABLED:
        return []
    lock = "for update skip locked" if tx.dialect == "postgresql" else ""
    sql = (CLAIM_OLDEST if endpoint.ordered else CLAIM).format(columns=COLUMNS, lock=lock)
    rows = await tx.all(
        sql, endpoint=endpoint.id, now=now, leased_until=now + lease_ms, limit=limit
    )
    return [delivery_of(row) for row in rows]


async def record(tx: Transaction, results: Sequence[Result]) -> Recorded:
    """Store what came of attempts: in their deliveries, for those that follow, at the endpoints.

    A result whose claim has passed to somebody else is left out. One whose delivery was cancelled
    meanwhile is kept as an attempt and changes nothing else of it.
    """
    if not results:
        return Recorded((), frozenset())
    lock = "for no key update" if tx.dialect == "postgresql" else ""
    ids = [result.delivery.id for result in results]
    stored = {row["id"]: row for row in await statuses(tx, ids, lock)}
    held = [
        result
        for result in results
        if (row := stored.get(result.delivery.id)) and row["token"] == result.delivery.token
    ]
    await tx.many(
        RECORD, [_recorded(result, stored[result.delivery.id]["status"]) for result in held]
    )
    await tx.many(INSERT_ATTEMPT, [_attempt_row(result) for result in held])
    ended = [result for result in held if result.verdict.due_at is None]
    released = await _release(tx, ended)
    await _judge_endpoints(tx, held, lock)
    return Recorded(tuple(held), released)


async def _endpoints(tx: Transaction, ids: Iterable[str], lock: str = "") -> list[Endpoint]:
    rows = await tx.all(
        f"""select {ENDPOINT_COLUMNS} from endpoints where id in {tx.listed("ids")}
            order by id {lock}""",  # noqa: S608 - our own column names
        ids=json.dumps(sorted(ids)),
    )
    return [endpoint_of(tx, row) for row in rows]


async def _release(tx: Transaction, ended: Sequence[Result]) -> frozenset[str]:
    if not ended:
        return frozenset()
    rows = await tx.all(
        RELEASE.format(ended=tx.listed("ended")),
        ended=json.dumps([result.delivery.id for result in ended]),
        now=max(result.ended_at for result in ended),
    )
    return frozenset(row["endpoint_id"] for row in rows)


async def _judge_endpoints(tx: Transaction, results: Sequence[Result], lock: str) -> None:
    ids = {result.delivery.endpoint_id for result in results}
    if not ids:
        return
    before = {endpoint.id: endpoint for endpoint in await _endpoints(tx, ids, lock)}
    now = dict(before)
    for result in results:
        endpoint = now.get(result.delivery.endpoint_id)
        if endpoint is not None:
            now[endpoint.id] = endpoint_after(endpoint, result)
    await tx.many(
        UPDATE_ENDPOINT,
        [
            (
                endpoint.failures_in_row,
                endpoint.failing_since,
                endpoint.state.value,
                endpoint.state_reason,
                int(endpoint.enabled),
                endpoint.id,
            )
            for endpoint in now.values()
            if endpoint != before[endpoint.id]
        ],
    )


def _recorded(result: Result, status: str) -> tuple[object, ...]:
    delivery, verdict = result.delivery, result.verdict
    # During the attempt it was cancelled, or an earlier phase was opened again, which goes first.
    if status == Status.CANCELLED or (status == Status.WAITING and verdict.due_at is not None):
        becomes, due_at = status, delivery.due_at
    else:
        becomes = verdict.status.value
        due_at = delivery.due_at if verdict.due_at is None else verdict.due_at
    return (
        becomes,
        delivery.attempts + 1,
        due_at,
        result.outcome.error,
        None if becomes in (Status.PENDING, Status.WAITING) else result.ended_at,
        delivery.id,
    )


def _attempt_row(result: Result) -> tuple[object, ...]:
    outcome = result.outcome
    return (
        result.delivery.id,
        result.delivery.attempts + 1,
        outcome.started_at,
        outcome.duration_ms,
        outcome.status_code,
        outcome.error,
        outcome.answer,
    )
