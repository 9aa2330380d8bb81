"""Jobs: backfills, with how far each has come."""

from dataclasses import dataclass
from enum import StrEnum

from crypitor.database.engine import Row, Transaction
from crypitor.database.job_standings import forget_standings
from crypitor.database.sql import Order, beyond
from crypitor.evm.types import Hash

COLUMNS = """id, project_id, kind, monitor_id, network, status, from_block, to_block, position,
    position_hash, matches_found, matches_new, blocks_per_second, trouble, created_at, started_at,
    finished_at"""

INSERT = f"""insert into jobs ({COLUMNS})
    values (:id, :project_id, 'backfill', :monitor_id, :network, 'queued', :from_block, :to_block,
        :position, null, 0, 0, null, null, :now, null, null)
    returning {COLUMNS}"""  # noqa: S608 - columns from above

# What has ended stays as it ended.
CANCEL = f"""update jobs set status = 'cancelled', trouble = :reason, finished_at = :now
    where id = :id and finished_at is null
    returning {COLUMNS}"""  # noqa: S608 - columns from above

ADVANCE = """update jobs
    set status = :status, position = :position, position_hash = :position_hash, trouble = null,
        matches_found = matches_found + :found,
        blocks_per_second = :rate, started_at = coalesce(started_at, :now),
        finished_at = :finished_at
    where id = :id and finished_at is null and position = :expected
    returning id"""

GO_BACK = """update jobs set position = :position, position_hash = null
    where id = :id and finished_at is null and position = :expected"""

COUNT_OPEN = """select
    (select count(*) from jobs where project_id = :project_id and finished_at is null)
    + (select count(*) from replays where project_id = :project_id and finished_at is null)"""


class JobStatus(StrEnum):
    """Of a job: the first two are open, the others final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """A backfill of one monitor on one network.

    from_block, to_block: heights, both included.
    position: the last height that is done, from_block - 1 at first; position_hash: of the block
    there or, where there is none, of the one below, None where it is not known.
    matches_found: of the blocks done; matches_new: those that were not stored before.
    blocks_per_second: lately, None before the first part.
    trouble: why it makes no progress at the moment, or why it was cancelled.
    created_at, started_at, finished_at: unix milliseconds.
    """

    id: str
    project_id: str
    kind: str
    monitor_id: str
    network: str
    status: JobStatus
    from_block: int
    to_block: int
    position: int
    position_hash: Hash | None
    matches_found: int
    matches_new: int
    blocks_per_second: float | None
    trouble: str | None
    created_at: int
    started_at: int | None
    finished_at: int | None


@dataclass(frozen=True, slots=True)
class Advance:
    """What a part of a job adds to it.

    expected: the position that the part began at. position: the one after it, with its hash.
    found: matches. rate: blocks a second, lately.
    """

    expected: int
    position: int
    position_hash: Hash | None
    found: int
    rate: float
    now: int


async def insert_job(
    tx: Transaction,
    job_id: str,
    project_id: str,
    monitor_id: str,
    network: str,
    blocks: range,
    now: int,
) -> Job:
    """Store a new backfill of these heights, at least one, and return it."""
    row = await tx.one(
        INSERT,
        id=job_id,
        project_id=project_id,
        monitor_id=monitor_id,
        network=network,
        from_block=blocks[0],
        position=blocks[0] - 1,
        to_block=blocks[-1],
        now=now,
    )
    assert row is not None
    return _job(row)


async def get_job(tx: Transaction, project_id: str, job_id: str) -> Job | None:
    """Return a job of a project."""
    row = await tx.one(
        f"select {COLUMNS} from jobs where id = :id and project_id = :project_id",  # noqa: S608
        id=job_id,
        project_id=project_id,
    )
    return _job(row) if row else None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What a list of jobs is narrowed to; None for everything. Backfills have no endpoint."""

    monitor: str | None = None
    endpoint: str | None = None
    status: str | None = None


async def list_jobs(
    tx: Transaction,
    project_id: str,
    chosen: JobFilter,
    limit: int,
    cursor: str | None = None,
    order: Order = "desc",
) -> list[Job]:
    """Return backfills of a project, newest first unless told otherwise, those beyond `cursor`."""
    rows = await tx.all(
        f"""select {COLUMNS} from jobs
            where project_id = :project_id and (:monitor = '' or monitor_id = :monitor)
                and (:status = '' or status = :status)
                and (:cursor = '' or id {beyond(order)} :cursor)
            order by id {order} limit :limit""",  # noqa: S608 - columns from above
        project_id=project_id,
        monitor=chosen.monitor or "",
        status=chosen.status or "",
        cursor=cursor or "",
        limit=limit,
    )
    return [_job(row) for row in rows]


async def open_jobs(tx: Transaction, network: str) -> list[Job]:
    """Return the jobs of a network that have not ended, oldest first."""
    rows = await tx.all(
        f"""select {COLUMNS} from jobs where network = :network and finished_at is null
            order by id""",  # noqa: S608 - columns from above
        network=network,
    )
    return [_job(row) for row in rows]


async def count_open_jobs(tx: Transaction, project_id: str) -> int:
    """Return how many jobs of a project have not ended, replays among them."""
    count: int = await tx.value(COUNT_OPEN, project_id=project_id)
    return count


async def cancel_job(tx: Transaction, job_id: str, reason: str | None, now: int) -> Job | None:
    """End a job before its end; None if it has ended already. What it did stays."""
    row = await tx.one(CANCEL, id=job_id, reason=reason, now=now)
    await forget_standings(tx, job_id)
    return _job(row) if row else None


async def advance_job(tx: Transaction, job: Job, advance: Advance) -> bool:
    """Move a job on; False, and nothing changes, if it has ended or was moved by somebody else."""
    done = advance.position == job.to_block
    row = await tx.one(
        ADVANCE,
        id=job.id,
        status=(JobStatus.DONE if done else JobStatus.RUNNING).value,
        position=advance.position,
        position_hash=advance.position_hash,
        found=advance.found,
        rate=advance.rate,
        now=advance.now,
        finished_at=advance.now if done else None,
        expected=advance.expected,
    )
    return row is not None


async def add_new_matches(tx: Transaction, job_id: str, count: int) -> None:
    """Count matches that were not stored before."""
    await tx.run(
        "update jobs set matches_new = matches_new + :count where id = :id", id=job_id, count=count
    )


async def move_job_back(tx: Transaction, job: Job, position: int) -> None:
    """Let a job do again what is above a height; what it saw up to there stays known."""
    await forget_standings(tx, job.id, above=position)
    await tx.run(GO_BACK, id=job.id, position=position, expected=job.position)


async def note_trouble(tx: Transaction, job_id: str, trouble: str) -> None:
    """Note why a job makes no progress; its next progress clears it."""
    await tx.run(
        "update jobs set trouble = :trouble where id = :id and finished_at is null",
        id=job_id,
        trouble=trouble,
    )


def _job(row: Row) -> Job:
    return Job(**{**row, "status": JobStatus(row["status"])})
