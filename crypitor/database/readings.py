"""What gauges showed, a row each time that value or state were others than before.

Rows lie by blocks, those of one block beside each other: a look at many gauges writes few pages.
From a gauge one comes to its newest reading, and from each reading to the one before it.

What a look at a gauge showed anew is that reading, and its height in `latest_readings`: rows of two
numbers, of which a page has hundreds, where each gauge's own row would be a page to be written.
"""

import json
from collections.abc import Collection, Sequence
from itertools import takewhile

from crypitor.database.engine import Row, Transaction
from crypitor.monitor.becoming import State
from crypitor.monitor.gauges import Standing
from crypitor.monitor.models import Reading

# Of a block that is looked at anew, what was before it stays.
INSERT_READING = """insert into readings (network, gauge_id, number, hash, timestamp, value, state,
        match_id, before)
    values (:network, :id, :number, :hash, :timestamp, :value, :state, :match_id, :before)
    on conflict (network, number, gauge_id) do update set hash = excluded.hash,
        timestamp = excluded.timestamp, value = excluded.value, state = excluded.state,
        match_id = excluded.match_id"""

SET_LATEST = """insert into latest_readings (place, number) values (:place, :number)
    on conflict (place) do update set number = excluded.number"""

FORGET_LATEST = """delete from latest_readings
    where place in (select place from gauges where id in {ids})"""

WALK = """with recursive walk (network, number, gauge_id, hash, timestamp, value, state, match_id,
        before, steps) as (
    select r.network, r.number, r.gauge_id, r.hash, r.timestamp, r.value, r.state, r.match_id,
            r.before, 1
        from gauges g left join latest_readings l on l.place = g.place and l.number > g.number
            join readings r on r.network = g.network and r.gauge_id = g.id
                and r.number = coalesce(l.number, g.changed)
        where g.id in {ids} and g.job_id = ''
    union all
    select r.network, r.number, r.gauge_id, r.hash, r.timestamp, r.value, r.state, r.match_id,
            r.before, w.steps + 1
        from walk w join readings r
            on r.network = w.network and r.number = w.before and r.gauge_id = w.gauge_id
        where {further})
"""

FORGET_READINGS = f"""{WALK} delete from readings
    where (network, number, gauge_id) in (select network, number, gauge_id from walk)"""  # noqa: S608 - SQL from above

FORGET_ABOVE = "delete from readings where network = :network and number > :above and gauge_id in "

SELECT_NEWEST = f"{WALK} select * from walk order by gauge_id, number desc"  # noqa: S608

SELECT_UP_TO = f"{WALK} select * from walk where number <= :above"  # noqa: S608

SELECT_SOME = """select number, gauge_id, timestamp from readings
    where network = :network and (number, gauge_id) > (:number, :id)
    order by number, gauge_id limit :limit"""

REMOVE_BEFORE = """delete from readings where (network, number, gauge_id) in (
        select r.network, r.before, r.gauge_id from readings r
        where r.network = :network and (r.number, r.gauge_id) > (:number, :id)
            and (r.number, r.gauge_id) <= (:last, :last_id))
    returning number"""


async def newest_readings(
    tx: Transaction, ids: Sequence[str], most: int
) -> dict[str, list[Standing]]:
    """Return the newest readings of some gauges, at most so many of each, newest first."""
    found: dict[str, list[Standing]] = {one: [] for one in ids}
    if not most or not ids:
        return found
    sql = SELECT_NEWEST.format(ids=tx.listed("ids"), further="w.steps < :most")
    for row in await tx.all(sql, ids=json.dumps(sorted(ids)), most=most):
        found[row["gauge_id"]].append(_standing(row))
    return found


async def readings_up_to(tx: Transaction, ids: Sequence[str], above: int) -> dict[str, Standing]:
    """Return of each gauge the newest reading that is not above a height, where there is one."""
    sql = SELECT_UP_TO.format(ids=tx.listed("ids"), further="w.number > :above")
    rows = await tx.all(sql, ids=json.dumps(sorted(ids)), above=above)
    return {row["gauge_id"]: _standing(row) for row in rows}


async def forget_above(tx: Transaction, network: str, ids: Sequence[str], above: int) -> None:
    """Forget what gauges showed above a height."""
    sql = FORGET_ABOVE + tx.listed("ids")
    await tx.run(sql, network=network, above=above, ids=json.dumps(sorted(ids)))


async def forget_latest(tx: Transaction, ids: Collection[str]) -> None:
    """Forget which readings of gauges are the newest: what their own rows say counts again."""
    sql = FORGET_LATEST.format(ids=tx.listed("ids"))
    await tx.run(sql, ids=json.dumps(sorted(ids)))


async def forget_readings(tx: Transaction, ids: Collection[str]) -> None:
    """Forget what gauges showed, before the gauges themselves are forgotten."""
    sql = FORGET_READINGS.format(ids=tx.listed("ids"), further="1 = 1")
    await tx.run(sql, ids=json.dumps(sorted(ids)))


async def remove_old(
    tx: Transaction, network: str, before: int, number: int, gauge_id: str, limit: int
) -> tuple[list[tuple[int, str]], int]:
    """Remove readings that were followed by others before a time, the last before it stays.

    before: unix seconds.  number, gauge_id: after which reading to look. Return where those stand
    that were looked at, and how many were removed. They lie by blocks, and so by time.
    """
    which = {"network": network, "number": number, "id": gauge_id}
    rows = await tx.all(SELECT_SOME, **which, limit=limit)
    old = takewhile(lambda row: row["timestamp"] < before, rows)
    seen = [(row["number"], row["gauge_id"]) for row in old]
    if not seen:
        return [], 0
    last, last_id = seen[-1]
    removed = await tx.all(REMOVE_BEFORE, **which, last=last, last_id=last_id)
    return seen, len(removed)


def _standing(row: Row) -> Standing:
    reading = Reading(row["number"], row["hash"], row["timestamp"], row["value"])
    return Standing(State(row["state"]), reading, row["match_id"], reading.number)
