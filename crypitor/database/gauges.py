"""Balances and views in the database: where each stands, and what a look at a block brings.

A header that was looked at has a mark. What was read in a block that has no mark any more, because
a reorg took it away or brought it anew, does not count: see `unwind`.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from crypitor.database.effects import Effect, Occasion, Saved, store_matches, tell
from crypitor.database.engine import Row, Transaction
from crypitor.database.events import log_events
from crypitor.database.listeners import listeners_of
from crypitor.database.past import HOLD, SELECT_DEEP
from crypitor.database.tokens import known_tokens
from crypitor.evm.metadata import NOTHING, Token
from crypitor.evm.types import Address, Header
from crypitor.monitor.becoming import State
from crypitor.monitor.gauges import Ended, Gauge, Looked, Standing, due_after, rule_key
from crypitor.monitor.models import Confirmations, Match, Phase, Reading
from crypitor.webhook.body import end_of
from crypitor.webhook.message import NetworkTitle

NEVER = -1
"""The height of a gauge that was not looked at."""

SELECT_PLACE = """select n.looked_number, n.looked_hash,
        (select max(number) from headers where network = n.name) as newest,
        (select min(number) from headers where network = n.name) as oldest,
        (select parent_hash from headers where network = n.name order by number limit 1) as below,
        exists (select 1 from headers h where h.network = n.name and h.number = n.looked_number
            and h.hash = n.looked_hash and h.looked = 1) as stands
    from networks n where n.name = :network"""

SELECT_NEXT = """select number, hash, parent_hash, timestamp, touched from headers
    where network = :network and looked = 0 order by number limit 1"""

GAUGE = """select g.id, g.network, g.monitor_id, g.rule, g.subject, g.contract, g.number, g.hash,
        g.timestamp, g.value, g.state, g.match_id, a.label, a.address is not null as watched
    from gauges g left join monitors m on m.id = g.monitor_id
        left join addresses a on a.list_id = m.list_id and a.address = g.subject"""

# `+ 0`: SQLite would rather look through all gauges by their heights.
SELECT_TOUCHED = f"""{GAUGE} where g.network = :network and g.job_id = ''
    and g.subject in {{subjects}} and g.number + 0 < :number"""

# Two statements: each has an index of its own.
SELECT_DUE_BLOCK = f"""{GAUGE} where g.network = :network and g.job_id = ''
    and g.due_block <= :number and g.number < :number order by g.due_block limit :limit"""

SELECT_DUE_TIME = f"""{GAUGE} where g.network = :network and g.job_id = ''
    and g.due_at <= :timestamp and g.number < :number order by g.due_at limit :limit"""

SELECT_TAGS = """select distinct confirm_tag from matches
    where network = :network and phase = 'confirmed' and ended_block is not null
        and confirm_tag is not null"""

MARK = """update headers set looked = 1
    where network = :network and number = :number and hash = :hash and looked = 0
    returning number"""

MARK_UP_TO = """update headers set looked = 1
    where network = :network and number <= :number and looked = 0"""

STAND_AT = """update networks set looked_number = :number,
        looked_hash = (select hash from headers where network = :network and number = :number)
    where name = :network"""

STAND = """update networks set looked_number = :number, looked_hash = :hash
    where name = :network"""

UPDATE = """update gauges set number = :number, hash = :hash, timestamp = :timestamp,
        value = :value, state = :state, match_id = :match_id, due_block = :due_block,
        due_at = :due_at
    where id = :id and job_id = :job_id"""

PUT_OFF = """update gauges set due_block = :due_block, due_at = :due_at
    where id = :id and job_id = :job_id"""

INSERT_READING = """insert into readings (gauge_id, number, hash, timestamp, value, state, match_id)
    values (:id, :number, :hash, :timestamp, :value, :state, :match_id)
    on conflict (gauge_id, number) do update set hash = excluded.hash,
        timestamp = excluded.timestamp, value = excluded.value, state = excluded.state,
        match_id = excluded.match_id"""

ENROL = """insert into gauges (id, job_id, network, monitor_id, rule, subject, contract, number,
        hash, timestamp, state, due_block, due_at)
    values (:id, :job_id, :network, :monitor_id, :rule, :subject, :contract, -1, '', 0, 'armed',
        0, 0)
    on conflict (id, job_id) do nothing"""

FORGET = """delete from gauges where id in {ids}"""
FORGET_READINGS = """delete from readings where gauge_id in {ids}"""

SELECT_OTHER_RULES = """select id from gauges
    where monitor_id = :monitor_id and network = :network and job_id = ''
        and rule not in {rules} limit :limit"""

END = """update matches set ended_block = :number, ended_hash = :hash, ended = :ended
    where id = :id and phase in ('detected', 'confirmed')"""

COLUMNS = """id, project_id, monitor_id, phase, returns, block_number, confirm_block, confirm_tag,
    document, origin, ended"""

SELECT_ENDING = f"""select {COLUMNS} from matches
    where network = :network and phase = 'confirmed' and ended_block is not null
        and (ended_block + confirm_block - block_number <= :tip
            or (confirm_tag = 'safe' and ended_block <= :safe)
            or (confirm_tag = 'finalized' and ended_block <= :finalized))
    order by position"""  # noqa: S608 - columns from above

_UNMARKED = """{table}.number >= :oldest and not exists (select 1 from headers h
    where h.network = :network and h.number = {table}.number and h.hash = {table}.hash
        and h.looked = 1)"""

SELECT_UNWOUND = f"""select id from gauges g where g.network = :network and g.job_id = ''
    and {_UNMARKED.format(table="g")} limit :limit"""  # noqa: S608

FORGET_UNWOUND = f"""delete from readings where gauge_id in {{ids}}
    and {_UNMARKED.format(table="readings")}"""  # noqa: S608

SELECT_NEWEST = """select r.gauge_id, r.number, r.hash, r.timestamp, r.value, r.state, r.match_id
    from readings r where r.gauge_id in {ids}
        and r.number = (select max(o.number) from readings o where o.gauge_id = r.gauge_id)"""

SELECT_UNENDED = f"""select {COLUMNS} from matches m
    where network = :network and ended_hash is not null and ended_block >= :oldest
        and not exists (select 1 from headers h where h.network = :network
            and h.number = m.ended_block and h.hash = m.ended_hash and h.looked = 1)
    order by position"""  # noqa: S608

UNEND = """update matches set ended_block = null, ended_hash = null, ended = null,
        phase = case when phase = 'ended' then 'confirmed' else phase end,
        returns = returns + case when phase = 'ended' then 1 else 0 end
    where id = :id"""

ALL_DUE = "update gauges set due_block = 0 where network = :network and job_id = ''"


@dataclass(frozen=True, slots=True)
class Place:
    """How far a network was looked at.

    stands: whether the last block that was looked at is still on the chain, with its mark; True
    where there is none.  lost: whether blocks were forgotten before they were looked at.
    """

    begun: bool
    stands: bool
    lost: bool
    newest: int | None
    oldest: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A gauge as it is stored. watched: whether its account still is one of its monitor."""

    id: str
    monitor_id: str
    rule: str
    subject: Address
    contract: Address | None
    label: str | None
    watched: bool
    standing: Standing


@dataclass(frozen=True, slots=True)
class Shown:
    """A gauge as it is listed. network: its name."""

    gauge: Stored
    network: str


@dataclass(frozen=True, slots=True)
class Due:
    """A block, and what has to be looked at in it. newest: whether it is the last one matched.

    tags: of the node, whose heights are needed to tell what has ended.
    """

    header: Header
    gauges: Sequence[Stored]
    newest: bool
    tags: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What came of a look at a block. title: of the network, for people. now: unix milliseconds.

    put_off: gauges without an answer.  missed: those that could not be asked in this block, and are
    due in the next one.  gone: ids of those that nobody watches any more.
    required: of each match.  tokens: what is known of contracts.
    safe, finalized: heights of the node's tags, None where they do not matter.
    """

    network: str
    chain_id: int
    title: NetworkTitle
    header: Header
    now: int
    looked: Sequence[Looked]
    put_off: Sequence[Gauge] = ()
    missed: Sequence[Gauge] = ()
    gone: Collection[str] = ()
    required: Sequence[tuple[Match, Confirmations]] = ()
    safe: int | None = None
    finalized: int | None = None


async def place_of(tx: Transaction, network: str) -> Place:
    """Return how far a network was looked at."""
    row = await tx.one(SELECT_PLACE, network=network)
    if row is None or row["newest"] is None:
        return Place(False, True, False, None, 0)
    begun = row["looked_hash"] is not None
    forgotten = begun and row["looked_number"] < row["oldest"]
    lost = forgotten and row["below"] != row["looked_hash"]
    stands = not begun or bool(row["stands"]) or (forgotten and not lost)
    return Place(begun, stands, lost, row["newest"], row["oldest"])


async def begin_looks(tx: Transaction, network: str, term: int) -> bool:
    """Begin above the newest block; False where another process leads the network.

    Where blocks were forgotten before they were looked at, go on above the oldest that is kept:
    what they touched is not known, and so everything is due.
    """
    if await tx.value(HOLD, network=network, term=term) is None:
        return False
    place = await place_of(tx, network)
    last = place.oldest if place.lost else place.newest
    if place.lost:
        await tx.run(ALL_DUE, network=network)
    await tx.run(MARK_UP_TO, network=network, number=last)
    await tx.run(STAND_AT, network=network, number=last)
    return True


async def next_look(tx: Transaction, network: str, limit: int) -> tuple[Place, Due | None]:
    """Return how far a network was looked at, and the next block to be; None where there is none.

    Only of the newest block is also asked what was not touched and is due: at most `limit` of it.
    """
    place = await place_of(tx, network)
    if not place.begun or not place.stands:
        return place, None
    return place, await _due(tx, network, place, limit)


async def _due(tx: Transaction, network: str, place: Place, limit: int) -> Due | None:
    row = await tx.one(SELECT_NEXT, network=network)
    if row is None:
        return None
    header = Header(row["number"], row["hash"], row["parent_hash"], row["timestamp"])
    rows: list[Row] = []
    if row["touched"]:
        rows += await tx.all(
            SELECT_TOUCHED.format(subjects=tx.listed("subjects")),
            network=network,
            subjects=row["touched"],
            number=header.number,
        )
    newest = header.number == place.newest
    if newest:
        for query in (SELECT_DUE_BLOCK, SELECT_DUE_TIME):
            rows += await tx.all(
                query,
                network=network,
                number=header.number,
                timestamp=header.timestamp,
                limit=limit,
            )
    gauges = {row["id"]: _stored(row) for row in rows}
    tags = {row["confirm_tag"] for row in await tx.all(SELECT_TAGS, network=network)}
    return Due(header, list(gauges.values()), newest, frozenset(tags))


def _stored(row: Row) -> Stored:
    reading = None
    if row["number"] != NEVER:
        reading = Reading(row["number"], row["hash"], row["timestamp"], row["value"])
    return Stored(
        row["id"],
        row["monitor_id"],
        row["rule"],
        row["subject"],
        row["contract"],
        row["label"],
        bool(row["watched"]),
        Standing(State(row["state"]), reading, row["match_id"]),
    )


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
    rows = await tx.all(
        f"{GAUGE} where {' and '.join(conditions)} order by g.id limit :limit",
        monitor_id=monitor_id,
        cursor=cursor or "",
        network=network,
        subject=subject,
        limit=limit,
    )
    return [Shown(_stored(row), row["network"]) for row in rows]


async def newest_readings(
    tx: Transaction, ids: Sequence[str], most: int
) -> dict[str, list[Stored]]:
    """Return the newest readings of some gauges, at most so many of each, newest first."""
    found: dict[str, list[Stored]] = {}
    for one in ids if most else ():
        rows = await tx.all(
            """select gauge_id as id, '' as monitor_id, '' as rule, '' as subject,
                    null as contract, number, hash, timestamp, value, state, match_id,
                    null as label, 1 as watched
                from readings where gauge_id = :id order by number desc limit :most""",
            id=one,
            most=most,
        )
        found[one] = [_stored(row) for row in rows]
    return found


async def save_looks(tx: Transaction, look: Look, term: int) -> Saved | None:
    """Store what a look at a block brought, and mark the block.

    None, and nothing is stored, where another process leads the network, or the block has left the
    chain or was looked at by somebody else.
    """
    if await tx.value(HOLD, network=look.network, term=term) is None:
        return None
    header = look.header
    marked = await tx.value(MARK, network=look.network, number=header.number, hash=header.hash)
    if marked is None:
        return None
    await tx.run(STAND, network=look.network, number=header.number, hash=header.hash)
    await store_standings(tx, look.looked, header)
    await tx.many(
        PUT_OFF,
        [(*due_after(gauge.rule, header), gauge.id, "") for gauge in look.put_off],
    )
    await tx.many(PUT_OFF, [(0, None, gauge.id, "") for gauge in look.missed])
    await _forget(tx, look.gone)
    saved = Saved()
    await _store_told(tx, look, saved)
    await log_events(tx, saved.events)
    return saved


async def store_standings(
    tx: Transaction, looked: Iterable[Looked], header: Header, job_id: str = ""
) -> None:
    """Store where gauges stand after a look, and what is another than before."""
    rows, readings = [], []
    for each in looked:
        standing, gauge = each.standing, each.gauge
        assert standing.reading is not None
        told = (standing.reading.value, standing.state.value, standing.match)
        rows.append(
            (
                header.number,
                header.hash,
                header.timestamp,
                *told,
                *due_after(gauge.rule, header),
                gauge.id,
                job_id,
            )
        )
        if each.changed and not job_id:
            readings.append((gauge.id, header.number, header.hash, header.timestamp, *told))
    await tx.many(UPDATE, rows)
    await tx.many(INSERT_READING, readings)


async def _store_told(tx: Transaction, look: Look, saved: Saved) -> None:
    """Store matches, what they confirm, and what has ended."""
    contracts = {match.subject.contract for match, _ in look.required} - {None}
    effect = Effect(
        network=look.network,
        chain_id=look.chain_id,
        title=look.title,
        header=look.header,
        matches=look.required,
        now=look.now,
        unknown=[contract for contract in contracts if contract is not None],
    )
    await store_matches(tx, [effect], saved)
    tip = await _tip(tx, look)
    if look.required:
        rows = await tx.all(
            SELECT_DEEP.format(ids=tx.listed("ids")),
            ids=json.dumps([match.id for match, _ in look.required]),
            tip=tip.header.number,
            safe=-1,
            finalized=-1,
        )
        saved.confirmed += len(rows)
        await tell(tx, tip, Phase.CONFIRMED, rows, saved)
    await _end(tx, [each.ended for each in look.looked if each.ended is not None], look)
    await tell_ended(tx, tip, look.safe, look.finalized, saved)


async def _tip(tx: Transaction, look: Look) -> Occasion:
    row = await tx.one(
        """select number, hash, parent_hash, timestamp from headers
            where network = :network order by number desc limit 1""",
        network=look.network,
    )
    assert row is not None
    header = Header(row["number"], row["hash"], row["parent_hash"], row["timestamp"])
    return Occasion(network=look.network, title=look.title, header=header, now=look.now)


async def _end(tx: Transaction, ended: Sequence[Ended], look: Look) -> None:
    """Note in which block the conditions of matches ceased to be."""
    if not ended:
        return
    contracts = sorted({one.subject.contract for one in ended if one.subject.contract})
    known = await known_tokens(tx, look.network, contracts) if contracts else {}
    await tx.many(
        END,
        [
            (
                look.header.number,
                look.header.hash,
                end_of(one.subject, one.header, _token(known, one)),
                one.match,
            )
            for one in ended
        ],
    )


def _token(known: Mapping[Address, Token], ended: Ended) -> Token:
    return known.get(ended.subject.contract or "", NOTHING)


async def tell_ended(
    tx: Transaction, tip: Occasion, safe: int | None, finalized: int | None, saved: Saved
) -> None:
    """Tell which matches have ended in a block that is deep enough by now."""
    rows = await tx.all(
        SELECT_ENDING,
        network=tip.network,
        tip=tip.header.number,
        safe=-1 if safe is None else safe,
        finalized=-1 if finalized is None else finalized,
    )
    await tell(tx, tip, Phase.ENDED, rows, saved)


async def unwind(
    tx: Transaction, network: str, title: NetworkTitle, term: int, now: int, limit: int
) -> Saved | None:
    """Forget what was read in blocks that have left the chain, of at most `limit` gauges.

    Each stands where its last reading on the chain left it, and is due. When none is left, matches
    whose end was in such a block are told again as they are, and looks go on above the last block
    with a mark. None where another process leads the network.
    """
    if await tx.value(HOLD, network=network, term=term) is None:
        return None
    place, saved = await place_of(tx, network), Saved()
    if place.stands:
        return saved
    rows = await tx.all(SELECT_UNWOUND, network=network, oldest=place.oldest, limit=limit)
    ids = [row["id"] for row in rows]
    if ids:
        await _restore(tx, network, ids, place.oldest)
    if len(ids) < limit:
        await _unend(tx, network, title, place, now, saved)
        mark = await tx.one(
            """select number, hash from headers where network = :network and looked = 1
                order by number desc limit 1""",
            network=network,
        )
        found = (mark["number"], mark["hash"]) if mark else (None, None)
        await tx.run(STAND, network=network, number=found[0], hash=found[1])
    await log_events(tx, saved.events)
    return saved


async def _restore(tx: Transaction, network: str, ids: Sequence[str], oldest: int) -> None:
    listed, told = tx.listed("ids"), json.dumps(ids)
    await tx.run(FORGET_UNWOUND.format(ids=listed), ids=told, network=network, oldest=oldest)
    rows = await tx.all(SELECT_NEWEST.format(ids=listed), ids=told)
    before = {row["gauge_id"]: row for row in rows}
    await tx.many(
        UPDATE,
        [
            (row["number"], row["hash"], row["timestamp"], row["value"], row["state"],
             row["match_id"], 0, None, one, "")
            if (row := before.get(one)) is not None
            else (NEVER, "", 0, None, State.ARMED.value, None, 0, None, one, "")
            for one in ids
        ],
    )  # fmt: skip


async def _unend(
    tx: Transaction, network: str, title: NetworkTitle, place: Place, now: int, saved: Saved
) -> None:
    """Take back that matches ended; those of which it was told are told again as they are."""
    rows = await tx.all(SELECT_UNENDED, network=network, oldest=place.oldest)
    if not rows:
        return
    await tx.many(UNEND, [(row["id"],) for row in rows])
    again = [{**row, "returns": row["returns"] + 1} for row in rows if row["phase"] == "ended"]
    tip = await tx.one(
        """select number, hash, parent_hash, timestamp from headers
            where network = :network order by number desc limit 1""",
        network=network,
    )
    assert tip is not None
    header = Header(tip["number"], tip["hash"], tip["parent_hash"], tip["timestamp"])
    occasion = Occasion(network=network, title=title, header=header, now=now)
    # Who hears of detected matches alone has heard of the end as well.
    listeners = await listeners_of(tx, {row["monitor_id"] for row in again})
    early = {
        monitor for monitor, listener in listeners.items() if Phase.CONFIRMED not in listener.notify
    }
    for phase, some in (
        (Phase.CONFIRMED, [row for row in again if row["monitor_id"] not in early]),
        (Phase.DETECTED, [row for row in again if row["monitor_id"] in early]),
    ):
        await tell(tx, occasion, phase, some, saved)


async def enrol(tx: Transaction, gauges: Sequence[Gauge], job_id: str = "") -> None:
    """Take in gauges that are new; they are due now."""
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
            )
            for gauge in gauges
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
    await _forget(tx, [row["id"] for row in rows])
    return len(rows)


async def _forget(tx: Transaction, ids: Collection[str]) -> None:
    if ids:
        listed, told = tx.listed("ids"), json.dumps(sorted(ids))
        await tx.run(FORGET.format(ids=listed), ids=told)
        await tx.run(FORGET_READINGS.format(ids=listed), ids=told)
