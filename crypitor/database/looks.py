"""What a look at balances and views in a block brings: where they stand, and what is told."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from crypitor.database.effects import Effect, Occasion, Saved, conclude, store_matches, tell
from crypitor.database.ended import note_ended
from crypitor.database.engine import Transaction
from crypitor.database.gauges import forget
from crypitor.database.past import HOLD, SELECT_DEEP
from crypitor.database.readings import INSERT_READING, SET_LATEST
from crypitor.evm.types import Header
from crypitor.monitor.becoming import ARMED, RAISED
from crypitor.monitor.gauges import Gauge, Looked, due_after
from crypitor.monitor.models import Confirmations, Match, Phase
from crypitor.webhook.message import NetworkTitle

# Not where a reorg has put the network back meanwhile, even if the block is on the chain again.
STAND = """update networks set looked_number = :number, looked_hash = :hash
    where name = :network and looked_hash = :parent
        and exists (select 1 from headers h where h.network = :network and h.number = :number
            and h.hash = :hash and h.looked = 0)
    returning name"""

MARK = "update headers set looked = 1 where network = :network and number = :number"

UPDATE = """update gauges set number = :number, hash = :hash, timestamp = :timestamp,
        changed = :changed, value = :value, state = :state, match_id = :match_id,
        due_block = :due_block, due_at = :due_at
    where id = :id and job_id = :job_id"""

# Of a gauge that a block touched and that shows what it showed before. What else it is due for
# stays as it is: it is looked at then, somewhat early. To move that each time would change an index
# in two places for each gauge.
UPDATE_TOUCHED = """update gauges set number = :number, hash = :hash, timestamp = :timestamp,
        changed = :changed, value = :value, state = :state, match_id = :match_id
    where id = :id and job_id = :job_id"""

# Which gauges a look was at, as long as a reorg may take its block away: one row, where an index
# over all gauges by their heights changed in two places for each.
NOTE = """insert into looks (network, number, gauges) values (:network, :number, :gauges)
    on conflict (network, number) do update set gauges = excluded.gauges"""

FORGET_NOTES = """delete from looks where network = :network
    and number < (select min(number) from headers where network = :network)"""

STATE_TEXTS = (ARMED.value, RAISED.value)
"""By whether a gauge is raised. To ask enumerations for each of many costs more than the rest."""

NOTES_KEPT = 16
"""Blocks after which notes of blocks that are settled are forgotten."""

PUT_OFF = """update gauges set due_block = :due_block, due_at = :due_at
    where id = :id and job_id = :job_id"""

COLUMNS = """id, project_id, monitor_id, phase, returns, block_number, confirm_block, confirm_tag,
    document, origin, ended"""

SELECT_ENDING = f"""select {COLUMNS} from matches
    where network = :network and phase = 'confirmed' and ended_block is not null
        and (ended_block + confirm_block - block_number <= :tip
            or (confirm_tag = 'safe' and ended_block <= :safe)
            or (confirm_tag = 'finalized' and ended_block <= :finalized))
    order by position"""  # noqa: S608 - columns from above


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What came of a look at a block. title: of the network, for people. now: unix milliseconds.

    due: ids of those whose time was over.  put_off: gauges without an answer.
    missed: those that could not be asked in this block, and are due in the next one.
    gone: ids of those that nobody watches any more.
    required: of each match.  tokens: what is known of contracts.
    safe, finalized: heights of the node's tags, None where they do not matter.
    """

    network: str
    chain_id: int
    title: NetworkTitle
    header: Header
    now: int
    looked: Sequence[Looked]
    due: Collection[str] = ()
    put_off: Sequence[Gauge] = ()
    missed: Sequence[Gauge] = ()
    gone: Collection[str] = ()
    required: Sequence[tuple[Match, Confirmations]] = ()
    safe: int | None = None
    finalized: int | None = None


async def save_looks(tx: Transaction, look: Look, term: int) -> Saved | None:
    """Store what a look at a block brought, and mark the block.

    None, and nothing is stored, where another process leads the network, or the block is not the
    next one any more: it, or one below it, has left the chain or was looked at by somebody else.
    """
    if await tx.value(HOLD, network=look.network, term=term) is None:
        return None
    header = look.header
    stands = await tx.value(
        STAND,
        network=look.network,
        number=header.number,
        hash=header.hash,
        parent=header.parent_hash,
    )
    if stands is None:
        return None
    await tx.run(MARK, network=look.network, number=header.number)
    await store_standings(tx, look)
    await tx.many(
        PUT_OFF,
        [(*due_after(gauge.rule, header), gauge.id, "") for gauge in look.put_off],
    )
    await tx.many(PUT_OFF, [(0, None, gauge.id, "") for gauge in look.missed])
    await forget(tx, look.gone)
    saved = Saved()
    await _store_told(tx, look, saved)
    await conclude(tx, saved, look.now)
    return saved


async def store_standings(tx: Transaction, look: Look) -> None:
    """Store where gauges stand after a look, and what is another than before."""
    header = look.header
    due, touched, latest, readings = [], [], [], []
    seen = (header.number, header.hash, header.timestamp)
    for each in look.looked:
        standing, gauge = each.standing, each.gauge
        reading, ident, changed = standing.reading, gauge.id, standing.changed
        assert reading is not None
        told = (reading.value, STATE_TEXTS[standing.state is RAISED], standing.match)
        if changed == header.number:
            readings.append((look.network, ident, *seen, *told, each.before))
        if ident in look.due:
            due.append((*seen, changed, *told, *due_after(gauge.rule, header), ident, ""))
        elif changed == header.number:
            latest.append((gauge.place, changed))
        else:
            touched.append((*seen, changed, *told, ident, ""))
    await tx.many(INSERT_READING, readings)
    await tx.many(SET_LATEST, latest)
    await tx.many(UPDATE, due)
    await tx.many(UPDATE_TOUCHED, touched)
    if look.looked:
        ids = json.dumps([each.gauge.id for each in look.looked])
        await tx.run(NOTE, network=look.network, number=header.number, gauges=ids)
    if header.number % NOTES_KEPT == 0:
        await tx.run(FORGET_NOTES, network=look.network)


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
    tip = await tip_of(tx, look.network, look.title, look.now)
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
    await note_ended(tx, look.network, [each.ended for each in look.looked if each.ended])
    await tell_ended(tx, tip, look.safe, look.finalized, saved)


async def tip_of(tx: Transaction, network: str, title: NetworkTitle, now: int) -> Occasion:
    """Return what is told of beside the newest block that was matched. now: unix milliseconds."""
    row = await tx.one(
        """select number, hash, parent_hash, timestamp from headers
            where network = :network order by number desc limit 1""",
        network=network,
    )
    assert row is not None
    header = Header(row["number"], row["hash"], row["parent_hash"], row["timestamp"])
    return Occasion(network=network, title=title, header=header, now=now)


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
