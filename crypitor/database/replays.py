"""Replays: jobs that send deliveries of the past again, in steps that any process may make.

A step is one transaction: it takes the replay that is due, opens some deliveries again and moves
the place on. The row's lock keeps two processes from making the same step, and its `due_at` keeps
them all together to the pace.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crypitor.database.engine import Row, Transaction
from crypitor.database.jobs import JobFilter, JobStatus
from crypitor.database.reopening import reopen
from crypitor.database.sql import Order, beyond, skip_locked
from crypitor.webhook.delivery import Status

COLUMNS = """id, project_id, monitor_id, endpoint_id, statuses, since, until, status, place_at,
    place_id, due_at, deliveries_total, deliveries_queued, deliveries_left_out, trouble, created_at,
    started_at, finished_at"""

INSERT = f"""insert into replays ({COLUMNS})
    values (:id, :project_id, :monitor_id, :endpoint_id, :statuses, :since, :until, 'queued',
        :since, '', :now, :total, 0, 0, null, :now, null, null)
    returning {COLUMNS}"""  # noqa: S608 - columns from above

CANCEL = f"""update replays set status = 'cancelled', finished_at = :now
    where id = :id and finished_at is null returning {COLUMNS}"""  # noqa: S608 - columns from above

# What is due later than any step can have put it was put there by a clock that is ahead: it is due.
# The condition is repeated outside: between choosing and updating, another process may have come.
NEXT = f"""update replays set started_at = coalesce(started_at, :now)
    where id = (select id from replays where finished_at is null
                and (due_at <= :now or due_at > :too_far)
            order by due_at, id limit 1 {{lock}})
        and finished_at is null and (due_at <= :now or due_at > :too_far)
    returning {COLUMNS}"""  # noqa: S608 - columns from above

ADVANCE = """update replays
    set status = :status, place_at = :place_at, place_id = :place_id, due_at = :due_at,
        deliveries_queued = deliveries_queued + :queued,
        deliveries_left_out = deliveries_left_out + :left_out, trouble = null,
        finished_at = :finished_at
    where id = :id"""

WAIT = "update replays set status = 'running', due_at = :due_at, trouble = :trouble where id = :id"

# With `failed` written out, planners can use the index of the failed ones.
SELECT = """select d.id, d.created_at, d.status, d.body = '' as gone,
        coalesce(e.enabled, 0) = 1 and e.state <> 'disabled' as called
    from deliveries d left join endpoints e on e.id = d.endpoint_id
    where d.{column} = :subject and (d.created_at, d.id) > (:place_at, :place_id)
        and d.created_at < :until {only_failed}
    order by d.created_at, d.id limit :limit"""

COUNT = """select count(*) from (select 1 from deliveries d
    where d.{column} = :subject and d.created_at >= :since and d.created_at < :until {only_failed}
    limit :most) as counted"""

COUNT_WANTED = """select count(*) from (select 1 from deliveries d
    where d.{column} = :subject and d.created_at >= :since and d.created_at < :until
        and d.status in {statuses} limit :most) as counted"""

COUNT_DUE = """select count(*) from (
    select 1 from deliveries d join endpoints e on e.id = d.endpoint_id
    where {condition} and d.status = 'pending' and d.due_at <= :now
    limit :most) as due"""

OF_ENDPOINT = "d.endpoint_id = :subject"
OF_MONITOR = """d.endpoint_id in (select endpoint_id from monitor_endpoints
        where monitor_id = :subject) and e.enabled = 1 and e.state = 'healthy'"""

LOOKED_AT = 1000
"""Deliveries in one step, of which only few may have one of the statuses."""

MOST_COUNTED = 100_000

MOST_DUE = 500
"""Deliveries before an endpoint at which a replay waits, so that live ones do not."""

STEP_MS = 200
"""How far apart steps are which opened something, at least."""

WAIT_MS = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries are to be sent again; one of monitor_id and endpoint_id is set.

    since, until: unix milliseconds at which they were created; `until` itself is not included.
    """

    project_id: str
    monitor_id: str | None
    endpoint_id: str | None
    statuses: frozenset[Status]
    since: int
    until: int

    @property
    def subject(self) -> dict[str, str]:
        """What stands in the statements for monitor or endpoint: column and id."""
        if self.monitor_id is not None:
            return {"column": "monitor_id", "id": self.monitor_id}
        assert self.endpoint_id is not None
        return {"column": "endpoint_id", "id": self.endpoint_id}

    @property
    def only_failed(self) -> str:
        """The condition that lets an index of the failed ones be used."""
        return "and d.status = 'failed'" if self.statuses == {Status.FAILED} else ""


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay and how far it has come.

    place_at: the time up to which deliveries have been looked at. deliveries_total: those that are
    wanted, None where they were too many to be counted. deliveries_queued: sent again.
    deliveries_left_out: wanted, but their endpoint is gone or disabled, or their body is.
    The `…_at`: unix milliseconds.
    """

    id: str
    wanted: Wanted
    status: JobStatus
    place_at: int
    place_id: str
    deliveries_total: int | None
    deliveries_queued: int
    deliveries_left_out: int
    trouble: str | None
    created_at: int
    started_at: int | None
    finished_at: int | None


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a step came to.

    endpoints: ids of those that have something new to be sent. queued: deliveries so far.
    next_at: unix milliseconds of this replay's next step.
    """

    replay_id: str
    endpoints: frozenset[str]
    queued: int
    done: bool
    next_at: int


async def insert_replay(tx: Transaction, replay_id: str, wanted: Wanted, now: int) -> Replay:
    """Store a new replay and return it."""
    row = await tx.one(
        INSERT,
        id=replay_id,
        project_id=wanted.project_id,
        monitor_id=wanted.monitor_id,
        endpoint_id=wanted.endpoint_id,
        statuses=json.dumps(sorted(wanted.statuses)),
        since=wanted.since,
        until=wanted.until,
        total=await _total(tx, wanted),
        now=now,
    )
    assert row is not None
    return _replay(row)


async def get_replay(tx: Transaction, project_id: str, replay_id: str) -> Replay | None:
    """Return a replay of a project."""
    row = await tx.one(
        f"select {COLUMNS} from replays where id = :id and project_id = :project_id",  # noqa: S608
        id=replay_id,
        project_id=project_id,
    )
    return _replay(row) if row else None


async def list_replays(
    tx: Transaction,
    project_id: str,
    chosen: JobFilter,
    limit: int,
    cursor: str | None = None,
    order: Order = "desc",
) -> list[Replay]:
    """Return replays of a project, newest first unless told otherwise, those beyond `cursor`."""
    rows = await tx.all(
        f"""select {COLUMNS} from replays
            where project_id = :project_id and (:monitor = '' or monitor_id = :monitor)
                and (:endpoint = '' or endpoint_id = :endpoint)
                and (:status = '' or status = :status)
                and (:cursor = '' or id {beyond(order)} :cursor)
            order by id {order} limit :limit""",  # noqa: S608 - columns from above
        project_id=project_id,
        monitor=chosen.monitor or "",
        endpoint=chosen.endpoint or "",
        status=chosen.status or "",
        cursor=cursor or "",
        limit=limit,
    )
    return [_replay(row) for row in rows]


async def cancel_replay(tx: Transaction, replay_id: str, now: int) -> Replay | None:
    """End a replay before its end; None if it has ended already. What it opened stays open."""
    row = await tx.one(CANCEL, id=replay_id, now=now)
    return _replay(row) if row else None


async def step_replay(tx: Transaction, per_second: float, now: int) -> Stepped | None:
    """Make one step of the replay that is due, None when none is.

    per_second: deliveries that one replay may open.
    """
    lock = skip_locked(tx.dialect)
    longest_ms = max(WAIT_MS, STEP_MS, round(1000 / per_second))
    row = await tx.one(NEXT.format(lock=lock), now=now, too_far=now + longest_ms)
    if row is None:
        return None
    replay = _replay(row)
    if await _due(tx, replay.wanted, now) >= MOST_DUE:
        trouble = "waiting for an endpoint with many deliveries before it"
        await tx.run(WAIT, id=replay.id, due_at=now + WAIT_MS, trouble=trouble)
        return Stepped(replay.id, frozenset(), replay.deliveries_queued, False, now + WAIT_MS)
    rows = await _looked_at(tx, replay)
    at_once = max(1, round(per_second * STEP_MS / 1000))
    chosen, left_out, last = _chosen(rows, replay.wanted, at_once)
    endpoints = await reopen(tx, chosen, now)
    done = len(rows) < LOOKED_AT and last == len(rows)
    next_at = now + round(1000 * len(chosen) / per_second)
    place = rows[last - 1] if last else {"created_at": replay.place_at, "id": replay.place_id}
    await tx.run(
        ADVANCE,
        id=replay.id,
        status=(JobStatus.DONE if done else JobStatus.RUNNING).value,
        place_at=place["created_at"],
        place_id=place["id"],
        due_at=next_at,
        queued=len(chosen),
        left_out=left_out,
        finished_at=now if done else None,
    )
    queued = replay.deliveries_queued + len(chosen)
    return Stepped(replay.id, frozenset(endpoints), queued, done, next_at)


def _chosen(rows: Sequence[Row], wanted: Wanted, at_once: int) -> tuple[list[str], int, int]:
    """Return the ids to open, how many cannot be, and how many rows that is."""
    chosen: list[str] = []
    left_out = looked_at = 0
    for row in rows:
        if len(chosen) == at_once:
            break
        looked_at += 1
        if row["status"] not in wanted.statuses:
            continue
        if row["gone"] or not row["called"]:
            left_out += 1
        else:
            chosen.append(row["id"])
    return chosen, left_out, looked_at


async def _looked_at(tx: Transaction, replay: Replay) -> list[Row]:
    wanted = replay.wanted
    return await tx.all(
        SELECT.format(column=wanted.subject["column"], only_failed=wanted.only_failed),
        subject=wanted.subject["id"],
        place_at=replay.place_at,
        place_id=replay.place_id,
        until=wanted.until,
        limit=LOOKED_AT,
    )


async def count_wanted(tx: Transaction, wanted: Wanted, most: int) -> int:
    """Return how many deliveries a replay would look for now; `most` where there are more."""
    if wanted.only_failed:
        statement = COUNT.format(column=wanted.subject["column"], only_failed=wanted.only_failed)
        statuses: dict[str, str] = {}
    else:
        statement = COUNT_WANTED.format(
            column=wanted.subject["column"], statuses=tx.listed("statuses")
        )
        statuses = {"statuses": json.dumps(sorted(wanted.statuses))}
    count: int = await tx.value(
        statement,
        subject=wanted.subject["id"],
        since=wanted.since,
        until=wanted.until,
        most=most,
        **statuses,
    )
    return count


async def _total(tx: Transaction, wanted: Wanted) -> int | None:
    if not wanted.only_failed:
        return None
    count: int = await tx.value(
        COUNT.format(column=wanted.subject["column"], only_failed=wanted.only_failed),
        subject=wanted.subject["id"],
        since=wanted.since,
        until=wanted.until,
        most=MOST_COUNTED + 1,
    )
    return count if count <= MOST_COUNTED else None


async def _due(tx: Transaction, wanted: Wanted, now: int) -> int:
    condition = OF_MONITOR if wanted.monitor_id is not None else OF_ENDPOINT
    count: int = await tx.value(
        COUNT_DUE.format(condition=condition), subject=wanted.subject["id"], now=now, most=MOST_DUE
    )
    return count


def _replay(row: Row) -> Replay:
    kept: dict[str, Any] = {
        name: row[name] for name in Replay.__slots__ if name not in ("wanted", "status")
    }
    wanted = Wanted(
        row["project_id"],
        row["monitor_id"],
        row["endpoint_id"],
        frozenset(map(Status, json.loads(row["statuses"]))),
        row["since"],
        row["until"],
    )
    return Replay(wanted=wanted, status=JobStatus(row["status"]), **kept)
