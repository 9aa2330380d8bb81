"""Balances and views in the database: where each stands, and which are due in a block.

The network stands at the newest block that was looked at. A reorg that takes it away puts the
network back to the block from which the branches part, in its own transaction; what was read above
that does not count: see `unwound`.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from crypitor.database.engine import Transaction
from crypitor.database.past import HOLD
from crypitor.database.readings import forget_latest, forget_readings
from crypitor.evm.types import Address, Hash, Header
from crypitor.monitor.becoming import State
from crypitor.monitor.gauges import NEVER, Gauge, Standing, rule_key
from crypitor.monitor.models import Reading

STATES = {state.value: state for state in State}

SELECT_PLACE = """select n.looked_number, n.looked_hash,
        (select max(number) from headers where network = n.name) as newest,
        (select min(number) from headers where network = n.name) as oldest,
        (select parent_hash from headers where network = n.name order by number limit 1) as below,
        exists (select 1 from headers h where h.network = n.name and h.number = n.looked_number
            and h.hash = n.looked_hash) as kept,
        exists (select 1 from looks l where l.network = n.name
            and l.number > n.looked_number) as above,
        exists (select 1 from matches m where m.network = n.name and m.ended_hash is not null
            and m.ended_block > n.looked_number) as ended_above
    from networks n where n.name = :network"""

SELECT_NEXT = """select number, hash, parent_hash, timestamp, touched from headers
    where network = :network and looked = 0 and number > :above order by number limit 1"""

# Where the newest reading is above the row's own look, it says where the gauge stands.
GAUGE = """select g.id, g.monitor_id, g.rule, g.subject, g.contract, a.label,
        a.address is not null as watched, g.place, coalesce(r.number, g.number) as number,
        coalesce(r.hash, g.hash) as hash, coalesce(r.timestamp, g.timestamp) as timestamp,
        case when r.number is null then g.value else r.value end as value,
        coalesce(r.state, g.state) as state,
        case when r.number is null then g.match_id else r.match_id end as match_id,
        coalesce(r.number, g.changed) as changed, g.network
    from gauges g left join monitors m on m.id = g.monitor_id
        left join addresses a on a.list_id = m.list_id and a.address = g.subject
        left join latest_readings l on l.place = g.place and l.number > g.number
        left join readings r on r.network = g.network and r.number = l.number
            and r.gauge_id = g.id"""

SELECT_TOUCHED = f"""{GAUGE} where g.network = :network and g.job_id = ''
    and g.subject in {{subjects}} and coalesce(r.number, g.number) < :number"""

# Two statements: each has an index of its own.
SELECT_DUE_BLOCK = f"""{GAUGE} where g.network = :network and g.job_id = ''
    and g.due_block <= :number and coalesce(r.number, g.number) < :number
    order by g.due_block limit :limit"""

SELECT_DUE_TIME = f"""{GAUGE} where g.network = :network and g.job_id = ''
    and g.due_at <= :timestamp and coalesce(r.number, g.number) < :number
    order by g.due_at limit :limit"""

SELECT_TAGS = """select distinct confirm_tag from matches
    where network = :network and phase = 'confirmed' and ended_block is not null
        and confirm_tag is not null"""

MARK_UP_TO = """update headers set looked = 1
    where network = :network and number <= :number and looked = 0"""

STAND_AT_NEWEST = """update networks set looked_number = :number,
        looked_hash = (select hash from headers where network = :network and number = :number)
    where name = :network"""

STAND_BELOW_OLDEST = """update networks set looked_number = :number - 1,
        looked_hash = (select parent_hash from headers
            where network = :network and number = :number)
    where name = :network"""

ENROL = """insert into gauges (id, job_id, network, monitor_id, rule, subject, contract, number,
        hash, timestamp, state, due_block, due_at, place)
    values (:id, :job_id, :network, :monitor_id, :rule, :subject, :contract, -1, '', 0, 'armed',
        0, 0, :place)
    on conflict (id, job_id) do nothing"""

NEXT_PLACES = """update counters set value = value + :count where name = 'gauges'
    returning value"""

FORGET = """delete from gauges where id in {ids}"""

SELECT_OTHER_RULES = """select id from gauges
    where monitor_id = :monitor_id and network = :network and job_id = ''
        and rule not in {rules} limit :limit"""

ALL_DUE = "update gauges set due_block = 0 where network = :network and job_id = ''"


@dataclass(frozen=True, slots=True)
class Place:
    """How far a network was looked at.

    number, hash: of the last block that was looked at, NEVER and None before the first.
    stands: whether nothing counts that was read above it.  lost: whether blocks were forgotten
    before they were looked at.
    """

    begun: bool
    stands: bool
    lost: bool
    number: int
    newest: int | None
    oldest: int
    hash: Hash | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A gauge as it is stored. watched: whether its account still is one of its monitor.

    place: its number, under which its newest reading is found.
    """

    id: str
    monitor_id: str
    rule: str
    subject: Address
    contract: Address | None
    label: str | None
    watched: bool
    place: int
    standing: Standing


@dataclass(frozen=True, slots=True)
class Shown:
    """A gauge as it is listed. network: its name."""

    gauge: Stored
    network: str


@dataclass(frozen=True, slots=True)
class Due:
    """A block, and what has to be looked at in it. newest: whether it is the last one matched.

    touched: all gauges of accounts and contracts that it touched, without those that are known.
    known: the others that it touched.  others: gauges that are due all the same.
    subjects: all that it touched.
    tags: of the node, whose heights are needed to tell what has ended.
    """

    header: Header
    touched: Sequence[Stored]
    known: Sequence[Address]
    others: Sequence[Stored]
    subjects: Sequence[Address]
    newest: bool
    tags: frozenset[str]


async def place_of(tx: Transaction, network: str) -> Place:
    """Return how far a network was looked at."""
    row = await tx.one(SELECT_PLACE, network=network)
    if row is None or row["newest"] is None:
        return Place(False, True, False, NEVER, None, 0)
    begun = row["looked_hash"] is not None
    number = row["looked_number"] if begun else NEVER
    just_below = number < row["oldest"] and row["below"] == row["looked_hash"]
    lost = begun and not row["kept"] and not just_below
    stands = not (row["above"] or row["ended_above"])
    looked = row["looked_hash"]
    return Place(begun, stands, lost, number, row["newest"], row["oldest"], looked)


async def begin_looks(tx: Transaction, network: str, term: int) -> bool:
    """Begin above the newest block; False where another process leads the network.

    Where blocks were forgotten before they were looked at, go on with the oldest that is kept: what
    the others touched is not known, and so everything is due.
    """
    if await tx.value(HOLD, network=network, term=term) is None:
        return False
    place = await place_of(tx, network)
    if place.lost:
        await tx.run(ALL_DUE, network=network)
        await tx.run(STAND_BELOW_OLDEST, network=network, number=place.oldest)
    elif not place.begun:
        await tx.run(MARK_UP_TO, network=network, number=place.newest)
        await tx.run(STAND_AT_NEWEST, network=network, number=place.newest)
    return True


async def next_look(
    tx: Transaction, place: Place, network: str, known: Collection[Address], limit: int
) -> Due | None:
    """Return the next block to be looked at, and what in it; None where there is none.

    place: of the network, in the same unit. known: accounts and contracts whose gauges need not be
    read. Only of the newest block is also asked what was not touched and is due: at most `limit`.
    """
    if not place.begun or place.lost or not place.stands:
        return None
    row = await tx.one(SELECT_NEXT, network=network, above=place.number)
    if row is None:
        return None
    header = Header(row["number"], row["hash"], row["parent_hash"], row["timestamp"])
    subjects = json.loads(row["touched"] or "[]")
    touched = await gauges_at(tx, network, [one for one in subjects if one not in known], header)
    newest = header.number == place.newest
    others = await _due(tx, network, header, limit) if newest else []
    tags = {row["confirm_tag"] for row in await tx.all(SELECT_TAGS, network=network)}
    known = [one for one in subjects if one in known]
    return Due(header, touched, known, others, subjects, newest, frozenset(tags))


async def gauges_at(
    tx: Transaction, network: str, subjects: Sequence[Address], header: Header
) -> list[Stored]:
    """Return the gauges of accounts and contracts that were not looked at in a block yet."""
    if not subjects:
        return []
    rows = await tx.rows(
        SELECT_TOUCHED.format(subjects=tx.listed("subjects")),
        network=network,
        subjects=json.dumps(subjects),
        number=header.number,
    )
    return [_stored(row) for row in rows]


async def _due(tx: Transaction, network: str, header: Header, limit: int) -> list[Stored]:
    """Return gauges whose time is over, by blocks or by seconds."""
    found: dict[str, Stored] = {}
    at = {"network": network, "number": header.number, "timestamp": header.timestamp}
    for query in (SELECT_DUE_BLOCK, SELECT_DUE_TIME):
        found |= {row[0]: _stored(row) for row in await tx.rows(query, **at, limit=limit)}
    return list(found.values())


def _stored(row: Any) -> Stored:
    ident, monitor_id, rule, subject, contract, label, watched, place, *at, changed, _ = row
    number, block_hash, timestamp, value, state, match = at
    reading = None if number == NEVER else Reading(number, block_hash, timestamp, value)
    standing = Standing(STATES[state], reading, match, changed)
    return Stored(ident, monitor_id, rule, subject, contract, label, bool(watched), place, standing)


async def list_gauges(
    tx: Transaction,
    monitor_id: str,
    limit: int,
    cursor: str | None = None,
    network: str | None = None,
    subject: Address | None = None,
) -> list[Shown]:
    """Return gauges of a monitor by their ids, those after the id `cursor`."""
    conditions = ["g.monitor_id = :monitor_id", "g.job_id = ''", "g.id > :cursor"]
    conditions += ["g.network = :network"] if network is not None else []
    conditions += ["g.subject = :subject"] if subject is not None else []
    rows = await tx.rows(
        f"{GAUGE} where {' and '.join(conditions)} order by g.id limit :limit",
        monitor_id=monitor_id,
        cursor=cursor or "",
        network=network,
        subject=subject,
        limit=limit,
    )
    return [Shown(_stored(row), row[-1]) for row in rows]


async def enrol(tx: Transaction, gauges: Sequence[Gauge], job_id: str = "") -> None:
    """Take in gauges that are new; they are due now."""
    if not gauges:
        return
    last = await tx.value(NEXT_PLACES, count=len(gauges))
    await tx.many(
        ENROL,
        [
            (
                gauge.id,
                job_id,
                gauge.network,
                gauge.monitor.id,
                rule_key(gauge.rule),
                gauge.subject,
                gauge.contract,
                place,
            )
            for place, gauge in enumerate(gauges, last - len(gauges) + 1)
        ],
    )


async def forget_other_rules(
    tx: Transaction, monitor_id: str, network: str, rules: Collection[str], limit: int
) -> int:
    """Forget gauges of rules that a monitor does not have any more; return how many."""
    rows = await tx.all(
        SELECT_OTHER_RULES.format(rules=tx.listed("rules")),
        monitor_id=monitor_id,
        network=network,
        rules=json.dumps(sorted(rules)),
        limit=limit,
    )
    await forget(tx, [row["id"] for row in rows])
    return len(rows)


async def forget(tx: Transaction, ids: Collection[str]) -> None:
    """Forget gauges, and what they showed."""
    if ids:
        await forget_readings(tx, ids)
        await forget_latest(tx, ids)
        await tx.run(FORGET.format(ids=tx.listed("ids")), ids=json.dumps(sorted(ids)))
