"""The steps of the retention: each looks at a few rows after a place and removes what it may.

A delivery may be removed when it has ended, unless its match could still be retracted: then it is
known from the delivery who has to be told. A match could be while it is not confirmed, or its block
is among the headers that are kept, because no reorg that is followed goes below those.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from crypitor.database.engine import Row, Transaction
from crypitor.database.readings import remove_old
from crypitor.database.removed import note_removed, note_removed_events
from crypitor.database.statistics import KINDS, Span
from crypitor.database.uncounted import is_behind, open_matches
from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import Status

OPEN = (Status.PENDING, Status.WAITING)

SELECT_DELIVERIES = """select d.id, d.created_at, d.status, d.finished_at,
        m.phase, m.block_number, h.oldest
    from deliveries d left join matches m on m.id = d.match_id
        left join (select network, min(number) as oldest from headers group by network) h
            on h.network = m.network
    where d.project_id = :project_id and (d.created_at, d.id) > (:place_at, :place_id)
        and d.created_at < :cutoff
    order by d.created_at, d.id limit :limit"""

# Without the matches, which these do not depend on.
SELECT_ENDED = """select id, created_at, status from deliveries
    where project_id = :project_id and (created_at, id) > (:place_at, :place_id)
        and created_at < :cutoff
    order by created_at, id limit :limit"""

# The conditions are repeated: on PostgreSQL a delivery may be opened again meanwhile.
REMOVE_DELIVERIES = """delete from deliveries
    where id in {ids} and status not in ('pending', 'waiting') and finished_at < :cutoff"""

REMOVE_BODIES = """update deliveries set body = ''
    where id in {ids} and status not in ('pending', 'waiting') and finished_at < :cutoff"""

REMOVE_ATTEMPTS = "delete from attempts where delivery_id in {ids} and started_at < :cutoff"

SELECT_MATCHES = """select m.id, m.position, m.created_at, m.monitor_id, m.network, m.block_number,
        m.phase, m.told_at, h.oldest,
        exists (select 1 from deliveries d
            where d.match_id = m.id and d.status in ('pending', 'waiting')) as is_open
    from matches m left join (select network, min(number) as oldest from headers group by network) h
        on h.network = m.network
    where m.project_id = :project_id and m.position > :place_at
    order by m.position limit :limit"""

REMOVE_MATCHES = "delete from matches where id in {ids}"

# None that is not counted yet.
SELECT_EVENTS = """select position, at from events
    where project_id = :project_id and position > :place_at
        and position <= (select value from counters where name = 'statistics')
    order by position limit :limit"""

REMOVE_EVENTS = "delete from events where project_id = :project_id and position <= :position"

SELECT_CHANGES = """select c.revision, c.revision < (select max(later.revision) from changes later
        where later.monitor_id = c.monitor_id) as replaced
    from changes c where c.revision > :place_at order by c.revision limit :limit"""

REMOVE_CHANGES = "delete from changes where revision = :revision"

SELECT_TOKENS = """select network, contract, checked_at, wanted from tokens
    where (network, contract) > (:network, :contract)
    order by network, contract limit :limit"""

REMOVE_TOKENS = """delete from tokens
    where network = :network and contract = :contract and wanted = 0"""

NEXT_NETWORK = "select min(network) from readings where network > :network"

REMOVE_KEYS = """delete from idempotency where (project_id, key) in (
    select project_id, key from idempotency where created_at < :cutoff limit :limit)
    returning key"""

REMOVE_AUDIT = """delete from audit where position in (
    select position from audit where at < :cutoff order by at limit :limit) returning position"""

REMOVE_STATISTICS = """delete from statistics
    where project_id = :project_id and kind = :kind and span = :span and (subject, at) in (
        select subject, at from statistics
        where project_id = :project_id and kind = :kind and span = :span and at < :cutoff
        order by at limit :limit)
    returning at"""

REMOVE_JOBS = """delete from {table} where id in (
    select id from {table} where finished_at < :cutoff limit :limit) returning id"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk stands: at what time or number, and at which id there."""

    at: int
    id: str


START = Place(-1, "")


@dataclass(frozen=True, slots=True)
class Slice:
    """What to look at. project_id: '' for all. cutoff: unix milliseconds; what is older may go.

    until: of deliveries, matches and events only those that were made before; the cutoff, where it
    is not given. waits_since: a delivery or match that was made since then and may not go yet ends
    the walk, which looks at it again; older ones, and all where it is not given, are passed over.
    """

    project_id: str
    place: Place
    cutoff: int
    limit: int
    until: int | None = None
    waits_since: int | None = None

    @property
    def made_before(self) -> int:
        """Until when what is looked at was made."""
        return self.cutoff if self.until is None else min(self.until, self.cutoff)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it. place: of the last row; ended: there is no more before the cutoff."""

    place: Place
    removed: int
    ended: bool


Prune = Callable[[Transaction, Slice], Awaitable[Done]]


async def prune_attempts(tx: Transaction, part: Slice) -> Done:
    """Remove the attempts of deliveries that have ended."""
    return await _prune_ended(tx, part, REMOVE_ATTEMPTS)


async def prune_bodies(tx: Transaction, part: Slice) -> Done:
    """Remove the bodies of deliveries that have ended; they cannot be sent again then."""
    return await _prune_ended(tx, part, REMOVE_BODIES)


async def prune_deliveries(tx: Transaction, part: Slice) -> Done:
    """Remove deliveries that have ended, with their attempts."""

    def may_go(row: Row) -> bool:
        return (
            row["status"] not in OPEN
            and row["finished_at"] < part.cutoff
            and (row["phase"] is None or _is_settled(row))
        )

    found = await _deliveries(tx, part, SELECT_DELIVERIES)
    rows = _without_young(part, found, may_go)
    old = [row["id"] for row in rows if may_go(row)]
    await _remove(tx, REMOVE_DELIVERIES, old, cutoff=part.cutoff)
    return _done(part, rows, len(old))


async def prune_matches(tx: Transaction, part: Slice) -> Done:
    """Remove matches that nobody is to be told of any more, and note which blocks they were of."""
    rows = await tx.all(
        SELECT_MATCHES, project_id=part.project_id, place_at=part.place.at, limit=part.limit
    )
    before = [row for row in rows if row["created_at"] < part.made_before]
    if before and await is_behind(tx):
        return Done(part.place, 0, ended=True)
    uncounted = await open_matches(tx, part.project_id) if before else set()

    def may_go(row: Row) -> bool:
        return (
            _is_settled(row)
            and not row["is_open"]
            and row["id"] not in uncounted
            and (row["told_at"] or 0) < part.cutoff
        )

    before = _without_young(part, before, may_go)
    old = [row for row in before if may_go(row)]
    if old:
        blocks: dict[tuple[str, str], list[int]] = {}
        for row in old:
            blocks.setdefault((row["monitor_id"], row["network"]), []).append(row["block_number"])
        await note_removed(
            tx,
            part.project_id,
            old[-1]["position"],
            [(*key, min(heights), max(heights)) for key, heights in blocks.items()],
        )
        await _remove(tx, REMOVE_MATCHES, [row["id"] for row in old])
    place = Place(before[-1]["position"], "") if before else part.place
    return Done(place, len(old), len(before) < part.limit)


async def prune_events(tx: Transaction, part: Slice) -> Done:
    """Remove the oldest events. A match stays for as long as the last one that it was told by."""
    rows = await tx.all(
        SELECT_EVENTS, project_id=part.project_id, place_at=part.place.at, limit=part.limit
    )
    # Up to the first that is kept: what a reader has not seen has to be one piece.
    old = list(takewhile(lambda row: row["at"] < part.made_before, rows))
    if old:
        last = old[-1]["position"]
        await note_removed_events(tx, part.project_id, last)
        await tx.run(REMOVE_EVENTS, project_id=part.project_id, position=last)
    return Done(START, len(old), len(old) < part.limit)


async def prune_changes(tx: Transaction, part: Slice) -> Done:
    """Remove changes of monitors that a later one has replaced.

    Who follows the changes and finds some left out reads whole monitors at the rest: the last one
    is enough, however far behind somebody is.
    """
    rows = await tx.all(SELECT_CHANGES, place_at=part.place.at, limit=part.limit)
    replaced = [(row["revision"],) for row in rows if row["replaced"]]
    await tx.many(REMOVE_CHANGES, replaced)
    place = Place(rows[-1]["revision"], "") if rows else part.place
    return Done(place, len(replaced), len(rows) < part.limit)


async def prune_tokens(tx: Transaction, part: Slice) -> Done:
    """Remove what tokens said of themselves long ago; one that is met again is asked again."""
    network, _, contract = part.place.id.partition(" ")
    rows = await tx.all(SELECT_TOKENS, network=network, contract=contract, limit=part.limit)
    old = [row for row in rows if not row["wanted"] and row["checked_at"] < part.cutoff]
    await tx.many(REMOVE_TOKENS, [(row["network"], row["contract"]) for row in old])
    last = f"{rows[-1]['network']} {rows[-1]['contract']}" if rows else part.place.id
    return Done(Place(0, last), len(old), len(rows) < part.limit)


async def prune_readings(tx: Transaction, part: Slice) -> Done:
    """Remove old readings, but the last before the cutoff of each gauge: it held from then on.

    The place has of each network up to which height and gauge it was looked at.
    """
    reached: dict[str, tuple[int, str]] = json.loads(part.place.id or "{}")
    left, removed = part.limit, 0
    network = await tx.value(NEXT_NETWORK, network="")
    while network is not None and left:
        number, gauge_id = reached.get(network, (-1, ""))
        seconds = part.cutoff // 1000
        seen, gone = await remove_old(tx, network, seconds, number, gauge_id, left)
        reached |= {network: seen[-1]} if seen else {}
        left, removed = left - len(seen), removed + gone
        network = await tx.value(NEXT_NETWORK, network=network)
    return Done(Place(0, json.dumps(reached)), removed, left > 0)


async def prune_keys(tx: Transaction, part: Slice) -> Done:
    """Remove answers that were kept for their Idempotency-Key."""
    rows = await tx.all(REMOVE_KEYS, cutoff=part.cutoff, limit=part.limit)
    return Done(START, len(rows), len(rows) < part.limit)


async def prune_audit(tx: Transaction, part: Slice) -> Done:
    """Remove old entries of the audit."""
    rows = await tx.all(REMOVE_AUDIT, cutoff=part.cutoff, limit=part.limit)
    return Done(START, len(rows), len(rows) < part.limit)


def prune_statistics(span: Span) -> Prune:
    """Return what removes the oldest counts of minutes or hours."""

    async def prune(tx: Transaction, part: Slice) -> Done:
        removed = 0
        for kind in KINDS:
            rows = await tx.all(
                REMOVE_STATISTICS,
                project_id=part.project_id,
                kind=kind,
                span=span,
                cutoff=part.cutoff,
                limit=part.limit - removed,
            )
            removed += len(rows)
        return Done(START, removed, removed < part.limit)

    return prune


async def prune_jobs(tx: Transaction, part: Slice) -> Done:
    """Remove jobs that have ended."""
    removed = 0
    for table in ("jobs", "replays"):
        removed += len(
            await tx.all(
                REMOVE_JOBS.format(table=table), cutoff=part.cutoff, limit=part.limit - removed
            )
        )
    return Done(START, removed, removed < part.limit)


async def _prune_ended(tx: Transaction, part: Slice, remove: str) -> Done:
    rows = await _deliveries(tx, part, SELECT_ENDED)
    ids = [row["id"] for row in rows if row["status"] not in OPEN]
    await _remove(tx, remove, ids, cutoff=part.cutoff)
    return _done(part, rows, len(ids))


async def _deliveries(tx: Transaction, part: Slice, select: str) -> list[Row]:
    return await tx.all(
        select,
        project_id=part.project_id,
        place_at=part.place.at,
        place_id=part.place.id,
        cutoff=part.made_before,
        limit=part.limit,
    )


def _without_young(part: Slice, rows: Sequence[Row], may_go: Callable[[Row], bool]) -> list[Row]:
    """Return the rows before the first young one that may not go yet."""
    since = part.waits_since
    if since is None:
        return list(rows)
    return list(takewhile(lambda row: row["created_at"] < since or may_go(row), rows))


async def _remove(tx: Transaction, remove: str, ids: Sequence[str], **values: object) -> None:
    if ids:
        await tx.run(remove.format(ids=tx.listed("ids")), ids=json.dumps(ids), **values)


def _done(part: Slice, rows: Sequence[Row], removed: int) -> Done:
    place = Place(rows[-1]["created_at"], rows[-1]["id"]) if rows else part.place
    return Done(place, removed, len(rows) < part.limit)


def _is_settled(row: Row) -> bool:
    """Whether a match can neither be confirmed nor retracted nor come back any more."""
    if row["phase"] == Phase.DETECTED or row["oldest"] is None:
        return False
    block, oldest = row["block_number"], row["oldest"]
    return bool(block < oldest)
