"""Small figures of the pages: what failed of late, matches by time, times of blocks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from crypitor.database.engine import Transaction
from crypitor.database.statistics import Kind, Span

FAILED = """select count(*) from (select 1 from deliveries
    where project_id = :project_id and status = 'failed' and created_at >= :since limit :limit) f"""

DETECTED = """select subject, (at - :since) / :each as part,
        cast(sum(detected) as bigint) as detected
    from statistics
    where project_id = :project_id and kind = :kind and subject in {ids} and span = :span
        and at >= :since
    group by subject, (at - :since) / :each"""

TIMES = """select number, timestamp from headers where network = :network
    order by number desc limit :limit"""


@dataclass(frozen=True, slots=True)
class Mined:
    """A block that was matched. at: its own time, unix seconds."""

    number: int
    at: int


async def count_failed(tx: Transaction, project_id: str, since: int, most: int) -> int:
    """Return how many deliveries created since then have failed; `most` where there are more."""
    count: int = await tx.value(FAILED, project_id=project_id, since=since, limit=most)
    return count


async def detected(
    tx: Transaction,
    project_id: str,
    kind: Kind,
    subjects: Sequence[str],
    *,
    span: Span,
    since: int,
    each: int,
    parts: int,
) -> dict[str, list[int]]:
    """Return how many matches each of some networks or monitors had in equal parts of a time.

    since: the beginning of a minute or hour, unix milliseconds. each: milliseconds of a part.
    """
    found = {subject: [0] * parts for subject in subjects}
    rows = await tx.all(
        DETECTED.format(ids=tx.listed("ids")),
        project_id=project_id, kind=kind, span=span, since=since, each=each,
        ids=json.dumps(list(subjects)),
    )  # fmt: skip
    for row in rows:
        if row["part"] < parts:
            found[row["subject"]][row["part"]] = row["detected"]
    return found


async def newest_blocks(tx: Transaction, network: str, limit: int) -> list[Mined]:
    """Return the newest matched blocks of a network, oldest first."""
    rows = await tx.all(TIMES, network=network, limit=limit)
    return [Mined(row["number"], row["timestamp"]) for row in reversed(rows)]
