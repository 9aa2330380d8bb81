"""Where the balances and views of a backfill stood, stored with its position."""

import json
from collections.abc import Sequence

import msgspec

from crypitor.database.engine import Transaction
from crypitor.monitor.gauges import Standing, Stood

SELECT_LAST = """select gauge_id, standing from job_standings s
    where job_id = :job_id and gauge_id in {ids} and number = (
        select max(o.number) from job_standings o
        where o.job_id = s.job_id and o.gauge_id = s.gauge_id and o.number <= :position)"""

STORE = """insert into job_standings (job_id, gauge_id, number, standing)
    values (:job_id, :gauge_id, :number, :standing)
    on conflict (job_id, gauge_id, number) do update set standing = excluded.standing"""

FORGET_BEFORE = """delete from job_standings
    where job_id = :job_id and gauge_id in {ids} and number < (
        select max(o.number) from job_standings o
        where o.job_id = job_standings.job_id and o.gauge_id = job_standings.gauge_id
            and o.number <= :settled)"""

FORGET_ABOVE = "delete from job_standings where job_id = :job_id and number > :position"

FORGET_ALL = "delete from job_standings where job_id = :job_id"


async def standings_of(
    tx: Transaction, job_id: str, position: int, gauges: Sequence[str]
) -> dict[str, Standing]:
    """Return where gauges stood at the position of a job; those that it looked at until there."""
    rows = await tx.all(
        SELECT_LAST.format(ids=tx.listed("ids")),
        job_id=job_id,
        position=position,
        ids=json.dumps(sorted(gauges)),
    )
    return {row["gauge_id"]: _standing(row["standing"]) for row in rows}


async def store_job_standings(
    tx: Transaction, job_id: str, stood: Sequence[Stood], settled: int
) -> None:
    """Store where gauges stood after each look of a part, in order.

    settled: a job never goes back below that height: of what is not above it the last look of each
    gauge is enough.
    """
    rows = {}
    for gauge_id, standing in stood:
        assert standing.reading is not None
        number = standing.reading.number
        rows[gauge_id, max(number, settled)] = (job_id, gauge_id, number, _text(standing))
    if not rows:
        return
    await tx.many(STORE, [*rows.values()])
    await tx.run(
        FORGET_BEFORE.format(ids=tx.listed("ids")),
        job_id=job_id,
        ids=json.dumps(sorted({gauge_id for gauge_id, _ in stood})),
        settled=settled,
    )


async def forget_standings(tx: Transaction, job_id: str, above: int | None = None) -> None:
    """Forget where the gauges of a job stood: above a height, or at all."""
    if above is None:
        await tx.run(FORGET_ALL, job_id=job_id)
    else:
        await tx.run(FORGET_ABOVE, job_id=job_id, position=above)


def _text(standing: Standing) -> str:
    return msgspec.json.encode(standing).decode()


def _standing(text: str) -> Standing:
    return msgspec.json.decode(text, type=Standing)
