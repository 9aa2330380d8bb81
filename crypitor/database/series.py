"""Counts by time as the API asks for them: a series of a subject, sums of many, what waits."""

from collections.abc import Sequence
from dataclasses import dataclass

from crypitor.database.engine import Transaction
from crypitor.database.statistics import COLUMNS, NUMBERS, Counts, Kind, Span, counts_of

SERIES = f"""select at, {COLUMNS} from statistics
    where project_id = :project_id and kind = :kind and subject = :subject and span = :span
        and at >= :since and at < :until
    order by at"""  # noqa: S608 - our own column names

_SUMS = (*NUMBERS, "first_count", "first_ms", "success_count", "success_ms")
SUMS = f"""select subject, {", ".join(f"cast(sum({name}) as bigint) as {name}" for name in _SUMS)}
    from statistics
    where project_id = :project_id and kind = :kind and span = :span
        and at >= :since and at < :until
    group by subject
    order by sum(detected + taken + refused + unanswered) desc, subject limit :limit"""  # noqa: S608

PENDING = """select count(*) from (select 1 from endpoints e
        join deliveries d on d.endpoint_id = e.id and d.status = 'pending'
    where e.project_id = :project_id and (:endpoint = '' or e.id = :endpoint)
    limit :most) as few"""


@dataclass(frozen=True, slots=True)
class Window:
    """Whose counts, of when.

    kind, subject: what is counted by; `project` and '' for all. since, until: unix milliseconds, of
    beginnings of minutes or hours; `until` itself is not included.
    """

    project_id: str
    kind: Kind
    subject: str
    span: Span
    since: int
    until: int


async def read_series(tx: Transaction, window: Window) -> list[tuple[int, Counts]]:
    """Return the minutes or hours in which something happened, oldest first."""
    rows = await tx.all(
        SERIES,
        project_id=window.project_id,
        kind=window.kind,
        subject=window.subject,
        span=window.span,
        since=window.since,
        until=window.until,
    )
    return [(row["at"], counts_of(row)) for row in rows]


async def read_sums(
    tx: Transaction, window: Window, kind: Kind, limit: int
) -> Sequence[tuple[str, Counts]]:
    """Return the busiest subjects of a kind in a window's time, without buckets of durations."""
    rows = await tx.all(
        SUMS,
        project_id=window.project_id,
        kind=kind,
        span=window.span,
        since=window.since,
        until=window.until,
        limit=limit,
    )
    empty = {"first_buckets": "{}", "success_buckets": "{}"}
    return [(row["subject"], counts_of({**row, **empty})) for row in rows]


async def count_pending(tx: Transaction, project_id: str, endpoint_id: str, most: int) -> int:
    """Return how many deliveries wait for an attempt, `most` where there are more.

    endpoint_id: '' for all of the project.
    """
    count: int = await tx.value(PENDING, project_id=project_id, endpoint=endpoint_id, most=most)
    return count
