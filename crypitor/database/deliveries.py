"""Deliveries: queued by the matcher, read by the API. `attempts` sends them."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from crypitor.database.engine import Row, Transaction
from crypitor.database.sql import Order, beyond
from crypitor.errors import Invalid, NotFound
from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import Attempt, Care, Delivery, Notice, Status
from crypitor.webhook.health import Queued

COLUMNS = """id, project_id, monitor_id, match_id, endpoint_id, phase, status, attempts, due_at,
    token, follows, body, error, created_at, finished_at, earlier_attempts, position, quiet"""

IN_LISTS = COLUMNS.replace("body,", "'' as body,")

SELECT_STATUSES = "select id, status, token from deliveries where id in {ids} order by id {lock}"

INSERT = f"""insert into deliveries ({COLUMNS})
    values (:id, :project_id, :monitor_id, :match_id, :endpoint_id, :phase, :status, 0, :now,
        0, :follows, :body, null, :now, null, 0, :position, :quiet)
    on conflict (id) do nothing"""  # noqa: S608 - our own column names

# A counter, not a database's sequence: who holds it commits before the next one gets a number, so
# an endpoint's order is that in which deliveries become visible.
NEXT_POSITIONS = """update counters set value = value + :count where name = 'deliveries'
    returning value"""

SELECT_FIRST = """select d.endpoint_id, d.id, d.attempts, d.due_at, d.created_at,
        a.started_at as tried_at
    from (select e.id, (select q.id from deliveries q
                where q.endpoint_id = e.id and q.status = 'pending'
                order by q.position limit 1) as first
            from endpoints e where e.id in {ids}) queued
        join deliveries d on d.id = queued.first
        left join attempts a on a.delivery_id = d.id and a.number = 1"""


AT_ONCE = 100
"""Bodies that are made without a pause."""

COUNT_DUE = "select count(*) from deliveries where status = 'pending' and due_at <= :now"


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """What the matcher queues.

    monitor_id, match_id: None of a notice. body: or what makes it, once it is to be stored.
    follows: the delivery of the match's phase before, at this endpoint; None when the endpoint was
    told of none.  quiet: whether the monitor asks how much is told.
    """

    id: str
    project_id: str
    monitor_id: str | None
    match_id: str | None
    endpoint_id: str
    phase: Phase | Notice | Care
    body: str | Callable[[], str]
    follows: str | None
    quiet: bool = False


async def queue_deliveries(tx: Transaction, deliveries: Sequence[NewDelivery], now: int) -> None:
    """Store deliveries that are due at once, in their order; those that exist stay as they are.

    One that follows a delivery which has not ended waits for it. The delivery that is followed is
    locked until the end of the transaction: its end cannot be missed meanwhile. So call it once in
    a unit, with all of them: those that are followed are locked before the counter, by everybody.
    """
    followed = {delivery.follows for delivery in deliveries if delivery.follows is not None}
    lock = "for no key update" if tx.dialect == "postgresql" else ""
    known = {row["id"]: row["status"] for row in await statuses(tx, followed, lock)}
    for delivery in deliveries:
        known.setdefault(delivery.id, Status.PENDING)
    open_ones = (Status.PENDING, Status.WAITING)
    first = await next_positions(tx, len(deliveries))
    for start in range(0, len(deliveries), AT_ONCE):
        await tx.many(
            INSERT,
            [
                _row(delivery, known.get(delivery.follows or "") in open_ones, position, now)
                for position, delivery in enumerate(
                    deliveries[start : start + AT_ONCE], first + start
                )
            ],
        )


def _row(delivery: NewDelivery, waits: bool, position: int, now: int) -> tuple[object, ...]:
    return (
        delivery.id,
        delivery.project_id,
        delivery.monitor_id or "",
        delivery.match_id or delivery.id,
        delivery.endpoint_id,
        delivery.phase.value,
        (Status.WAITING if waits else Status.PENDING).value,
        now,
        delivery.follows,
        delivery.body if isinstance(delivery.body, str) else delivery.body(),
        position,
        1 if delivery.quiet else None,
    )


async def next_positions(tx: Transaction, count: int) -> int:
    """Return the first of so many positions behind all that were queued before.

    Take it as the last of a unit's locks: others wait for the counter until the unit ends.
    """
    last: int = await tx.value(NEXT_POSITIONS, count=count)
    return last - count + 1


async def last_position(tx: Transaction) -> int:
    """Return the position of the delivery that was queued last, 0 before the first."""
    position: int = await tx.value("select value from counters where name = 'deliveries'")
    return position


async def list_deliveries(
    tx: Transaction,
    project_id: str,
    *,
    monitor: str | None = None,
    endpoint: str | None = None,
    match: str | None = None,
    status: Status | None = None,
    type_: str | None = None,
    since: int | None = None,
    until: int | None = None,
    limit: int = 100,
    cursor: str | None = None,
    order: Order = "desc",
) -> list[Delivery]:
    """Return deliveries of a project, newest first unless told otherwise, those after `cursor`.

    They come without their bodies. type_: what they tell, as `match.detected`. since, until: unix
    milliseconds of `created_at`, the second excluded.
    """
    wanted = {
        "monitor_id": monitor,
        "endpoint_id": endpoint,
        "match_id": match,
        "status": status.value if status else None,
        "phase": type_.removeprefix("match.") if type_ else None,
    }
    filters = {column: value for column, value in wanted.items() if value is not None}
    # A filter by monitor, endpoint or match uses that column's index. Planners like the project's
    # index as well, but would read through everything newer with it.
    named = filters.keys() - {"status", "phase"}
    project = "coalesce(project_id, '')" if named else "project_id"
    conditions = [f"{project} = :project_id", *(f"{column} = :{column}" for column in filters)]
    if status is Status.FAILED:  # once more as a literal, by which planners find its index
        conditions.append("status = 'failed'")
    after: dict[str, object] = {"since": since, "until": until}
    conditions += ["created_at >= :since"] if since is not None else []
    conditions += ["created_at < :until"] if until is not None else []
    if cursor is not None:
        after["after_at"], after["after_id"] = _position(cursor)
        conditions.append(f"(created_at, id) {beyond(order)} (:after_at, :after_id)")
    rows = await tx.all(
        f"""select {IN_LISTS} from deliveries where {" and ".join(conditions)}
            order by created_at {order}, id {order} limit :limit""",  # noqa: S608 - our own column names
        project_id=project_id,
        limit=limit,
        **filters,
        **after,
    )
    return [delivery_of(row) for row in rows]


async def first_queued(tx: Transaction, endpoint_ids: Sequence[str]) -> dict[str, Queued]:
    """Return the first pending delivery of each endpoint that has one, by the endpoint's id."""
    rows = await tx.all(
        SELECT_FIRST.format(ids=tx.listed("ids")), ids=json.dumps(list(endpoint_ids))
    )
    return {
        row["endpoint_id"]: Queued(
            row["id"], row["attempts"], row["due_at"], row["created_at"], row["tried_at"]
        )
        for row in rows
    }


async def get_delivery(
    tx: Transaction, project_id: str, delivery_id: str
) -> tuple[Delivery, list[Attempt]]:
    """Return a delivery of a project with its attempts, first to last. Raises NotFound."""
    row = await tx.one(
        f"select {COLUMNS} from deliveries where id = :id and project_id = :project_id",  # noqa: S608
        id=delivery_id,
        project_id=project_id,
    )
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}")
    attempts = await tx.all(
        """select number, started_at, duration_ms, status_code, error, answer
            from attempts where delivery_id = :id order by number""",
        id=delivery_id,
    )
    return delivery_of(row), [Attempt(**attempt) for attempt in attempts]


async def count_due(tx: Transaction, now: int) -> int:
    """Return how many deliveries could be attempted by now, in unix milliseconds."""
    count: int = await tx.value(COUNT_DUE, now=now)
    return count


def cursor_of(delivery: Delivery) -> str:
    """Return the cursor of the list that goes on after this delivery."""
    return f"{delivery.created_at}.{delivery.id}"


async def statuses(tx: Transaction, ids: Iterable[str], lock: str) -> list[Row]:
    """Return id, status and token of those that exist, locked with `lock` in the order of ids."""
    listed = sorted(ids)
    if not listed:
        return []
    return await tx.all(
        SELECT_STATUSES.format(ids=tx.listed("ids"), lock=lock), ids=json.dumps(listed)
    )


def type_of(phase: str) -> str:
    """Return what a delivery tells, by the phase that is stored of it."""
    return phase if "." in phase else f"match.{phase}"


def delivery_of(row: Row) -> Delivery:
    """Return the delivery of a row that has `COLUMNS`."""
    text = row["phase"]
    phase: Phase | Notice | Care = Phase(text) if "." not in text else _other(text)
    return Delivery(
        **{
            **row,
            "monitor_id": row["monitor_id"] or None,
            "match_id": row["match_id"] if isinstance(phase, Phase) else None,
            "phase": phase,
            "status": Status(row["status"]),
            "quiet": row["quiet"] is not None,
        }
    )


def _other(text: str) -> Notice | Care:
    return Care(text) if text in set(Care) else Notice(text)


def _position(cursor: str) -> tuple[int, str]:
    created_at, _, delivery_id = cursor.partition(".")
    if not (created_at.isascii() and created_at.isdigit() and len(created_at) < 19):
        raise Invalid("this is not a cursor of this list")
    return int(created_at), delivery_id
