"""What the statistics do not have yet of attempts and of deliveries that ended.

A row is written with the attempt, and taken away by whoever counts it: so each is counted once,
however many processes send, however late one of them commits, and whenever any of them dies.
"""

import json
from collections.abc import Sequence

from crypitor.database.engine import Transaction
from crypitor.webhook.delivery import Result, Status

COLUMNS = "project_id, monitor_id, endpoint_id, match_id, at, outcome, ended, first_ms, success_ms"

INSERT = f"""insert into uncounted ({COLUMNS})
    values (:project_id, :monitor_id, :endpoint_id, :match_id, :at, :outcome, :ended, :first_ms,
        :success_ms)"""  # noqa: S608 - our own column names

# On SQLite in one step; see `attempts`.
INSERT_ROWS = f"""insert into uncounted ({COLUMNS})
    select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
        json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
        json_extract(value, '$[6]'), json_extract(value, '$[7]'), json_extract(value, '$[8]')
    from json_each(:rows)"""  # noqa: S608 - our own column names

ENDS = (Status.DELIVERED, Status.FAILED)

MOST_BEHIND = 5_000
"""Events or attempts that are not counted yet, above which no match is removed."""

BEHIND = """select (select value from counters where name = 'events')
        - (select value from counters where name = 'statistics') as events,
    (select count(*) from (select 1 from uncounted limit :most) as few) as attempts"""

OPEN_MATCHES = """select match_id from uncounted where project_id = :project_id
    union all
    select match_id from events where project_id = :project_id and match_id is not null
        and position > (select value from counters where name = 'statistics')"""


async def note_attempts(
    tx: Transaction, results: Sequence[Result], statuses: Sequence[str]
) -> None:
    """Note attempts in the unit that records them. statuses: what each made of its delivery."""
    await _insert(tx, [_row(*one) for one in zip(results, statuses, strict=True)])


async def note_cancelled(
    tx: Transaction, deliveries: Sequence[tuple[str, str, str, str]], now: int
) -> None:
    """Note deliveries that were given up.

    deliveries: project, monitor, endpoint and match of each. now: unix milliseconds.
    """
    cancelled = Status.CANCELLED.value
    await _insert(tx, [(*one, now, "", cancelled, None, None) for one in deliveries])


async def is_behind(tx: Transaction) -> bool:
    """Whether much is not counted yet."""
    row = await tx.one(BEHIND, most=MOST_BEHIND)
    assert row is not None
    return bool(row["events"] >= MOST_BEHIND or row["attempts"] >= MOST_BEHIND)


async def open_matches(tx: Transaction, project_id: str) -> set[str]:
    """Return the matches of a project which the statistics have still to look up."""
    rows = await tx.all(OPEN_MATCHES, project_id=project_id)
    return {row["match_id"] for row in rows}


async def _insert(tx: Transaction, rows: Sequence[tuple[object, ...]]) -> None:
    if not rows:
        return
    if tx.dialect == "sqlite":
        await tx.run(INSERT_ROWS, rows=json.dumps(rows))
    else:
        await tx.many(INSERT, rows)


def _row(result: Result, status: str) -> tuple[object, ...]:
    delivery, outcome = result.delivery, result.outcome
    answered = "refused" if outcome.status_code is not None else "unanswered"
    first = max(0, outcome.started_at - delivery.created_at) if not delivery.attempts else None
    # One that was sent again says nothing of how long it took to be taken.
    timed = outcome.succeeded and not delivery.earlier_attempts
    return (
        delivery.project_id,
        delivery.monitor_id or "",
        delivery.endpoint_id,
        delivery.match_id or "",
        result.ended_at,
        "taken" if outcome.succeeded else answered,
        _end(status),
        first,
        max(0, result.ended_at - delivery.created_at) if timed else None,
    )


def _end(status: str) -> str:
    """Return how a delivery ended, for the statistics; what a message counted has been taken."""
    if status == Status.COUNTED:
        return Status.DELIVERED.value
    return status if status in ENDS else ""
