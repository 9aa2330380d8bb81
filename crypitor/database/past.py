"""One part of a backfill, as one unit: matches of past blocks, deliveries, the job's position.

The live path's row of the network is held until the commit, so that no block can be orphaned
between the look at the headers and the matches; what a reorg orphans later is reverted by it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crypitor.database import networks
from crypitor.database.addresses import CHUNK, list_addresses
from crypitor.database.effects import Effect, Saved, conclude, store_matches, tell
from crypitor.database.ended import note_ended
from crypitor.database.engine import Transaction
from crypitor.database.job_standings import forget_standings, store_job_standings
from crypitor.database.jobs import Advance, Job, add_new_matches, advance_job
from crypitor.database.monitors import load_some_monitors
from crypitor.database.removed import removed_blocks
from crypitor.evm.types import Header
from crypitor.monitor.gauges import Ended, Stood
from crypitor.monitor.index import Labelled
from crypitor.monitor.models import Confirmations, Match, Monitor, Phase
from crypitor.webhook.message import NetworkTitle

# Returns nothing where somebody else leads the network by now.
HOLD = """update networks set term = term where name = :network and term = :term
    returning name"""

SELECT_DEEP = """select id, project_id, monitor_id, phase, returns, block_number,
        confirm_block, confirm_tag, document, origin
    from matches
    where id in {ids} and phase = 'detected'
        and (confirm_block <= :tip
            or (confirm_tag = 'safe' and block_number <= :safe)
            or (confirm_tag = 'finalized' and block_number <= :finalized))
    order by position"""

SELECT_TIP = "select max(number) as tip from headers where network = :network"

SELECT_HASHES = """select number, hash from headers
    where network = :network and number between :first and :last"""

COUNT_DUE = """select count(*) from (
    select 1 from deliveries d
        join monitor_endpoints l on l.endpoint_id = d.endpoint_id
        join endpoints e on e.id = d.endpoint_id
    where l.monitor_id = :monitor_id and e.enabled = 1 and e.state = 'healthy'
        and d.status = 'pending' and d.due_at <= :now
    limit :most) as due"""


BACK = 2
"""How many times the headers that are matched at most a job goes back at most: by so many for what
is orphaned, from a tip that is so many lower."""


@dataclass(frozen=True, slots=True)
class Part:
    """Blocks that were looked at, each the parent of the next.

    headers: of all of them; heights may be without a block.  matches: by height, of those that have
    any.  last: the highest height that was looked at.
    safe, finalized: heights of the node's tags, None where they do not matter or are not known.
    ended: matches of these blocks, or of parts before, whose conditions ceased to be.
    stood: where balances and views stood after each look, in order.
    """

    headers: Sequence[Header]
    matches: Mapping[int, Sequence[tuple[Match, Confirmations]]]
    last: int
    safe: int | None = None
    finalized: int | None = None
    ended: Sequence[Ended] = ()
    stood: Sequence[Stood] = ()


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a job's network and monitor stand before its next part.

    headers: the newest matched ones. monitor: None when it was deleted.
    due: deliveries that the monitor's healthy endpoints have before them, counted up to a limit.
    """

    headers: tuple[Header, ...]
    monitor: Monitor | None
    due: int


async def matched_tip(tx: Transaction, network: str) -> int | None:
    """Return the height of the newest block that has been matched, None before the first."""
    tip: int | None = await tx.value(SELECT_TIP, network=network)
    return tip


async def stand_of(tx: Transaction, job: Job, *, keep: int, most_due: int, now: int) -> Stand:
    """Return where a job stands. keep: how many headers are matched at most; most_due: counted."""
    monitors = await load_some_monitors(tx, [job.monitor_id])
    due = await tx.value(COUNT_DUE, monitor_id=job.monitor_id, now=now, most=most_due)
    return Stand(
        await networks.headers(tx, job.network, keep), monitors[0] if monitors else None, due
    )


async def watched_by(tx: Transaction, monitor_id: str) -> tuple[Monitor | None, Sequence[Labelled]]:
    """Return a monitor and all its addresses as they are now; None and nothing when it is gone."""
    monitors = await load_some_monitors(tx, [monitor_id])
    if not monitors:
        return None, ()
    pairs: list[Labelled] = []
    chunk: list[Labelled] | None = None
    while chunk is None or len(chunk) == CHUNK:
        cursor = pairs[-1][0] if pairs else None
        chunk = await list_addresses(tx, monitor_id, CHUNK, cursor=cursor)
        pairs += chunk
    return monitors[0], pairs


async def save_part(
    tx: Transaction,
    job: Job,
    told_as: tuple[int, NetworkTitle],
    term: int,
    part: Part,
    advance: Advance,
    *,
    keep: int,
) -> Saved | None:
    """Store a part; None, and nothing stored, where that would not be true any more.

    told_as: the network's chain id and title.  keep: how many headers are matched at most.
    Nothing is stored when another process leads the network, a block of the part is not on the
    matched chain, or the job has ended or was moved.
    """
    if await tx.value(HOLD, network=job.network, term=term) is None:
        return None
    part = await _without_removed(tx, job, part)
    tip = await _tip_above(tx, job, part)
    if tip is None or not await advance_job(tx, job, advance):
        return None
    saved = Saved()
    for header in part.headers:
        if matches := part.matches.get(header.number):
            effect = _effect(job, told_as, header, matches, advance.now)
            await store_matches(tx, [effect], saved)
    if part.matches:
        await _confirm(tx, part, _effect(job, told_as, tip, (), advance.now), saved)
        await add_new_matches(tx, job.id, saved.new_matches)
    if part.ended:
        await _end(tx, job.network, part.ended)
    if advance.position == job.to_block:
        await forget_standings(tx, job.id)
    else:
        await store_job_standings(tx, job.id, part.stood, part.last - BACK * keep)
    await conclude(tx, saved, advance.now)
    return saved


async def _end(tx: Transaction, network: str, ended: Sequence[Ended]) -> None:
    """Note ends; whoever looks tells them, once they are deep enough. Above him none would last."""
    looked = await tx.value("select looked_number from networks where name = :name", name=network)
    await note_ended(tx, network, [one for one in ended if one.header.number <= (looked or -1)])


async def _without_removed(tx: Transaction, job: Job, part: Part) -> Part:
    """Return a part without the matches that were removed since the job began, or may have been."""
    removed = await removed_blocks(tx, job.monitor_id, job.network)
    if not removed:
        return part
    kept = {height: found for height, found in part.matches.items() if height not in removed}
    return replace(part, matches=kept)


def _effect(
    job: Job,
    told_as: tuple[int, NetworkTitle],
    header: Header,
    matches: Sequence[tuple[Match, Confirmations]],
    now: int,
) -> Effect:
    chain_id, title = told_as
    contracts = {match.subject.contract for match, _ in matches}
    return Effect(
        network=job.network,
        chain_id=chain_id,
        title=title,
        header=header,
        matches=matches,
        now=now,
        unknown=[contract for contract in contracts if contract is not None],
    )


async def _tip_above(tx: Transaction, job: Job, part: Part) -> Header | None:
    """Return the matched tip if the blocks of a part are on the matched chain, else None.

    Headers below those that are kept are not compared: no reorg that is followed reaches them.
    """
    tip = next(iter(await networks.headers(tx, job.network, 1)), None)
    if tip is None or part.last > tip.number:
        return None
    rows = await tx.all(SELECT_HASHES, network=job.network, first=job.position + 1, last=part.last)
    hashes = {header.number: header.hash for header in part.headers}
    return tip if all(row["hash"] == hashes.get(row["number"]) for row in rows) else None


async def _confirm(tx: Transaction, part: Part, as_of_tip: Effect, saved: Saved) -> None:
    """Confirm what is deep enough now, so that the next live block need not."""
    rows = await tx.all(
        SELECT_DEEP.format(ids=tx.listed("ids")),
        ids=json.dumps([match.id for matches in part.matches.values() for match, _ in matches]),
        tip=as_of_tip.header.number,
        safe=-1 if part.safe is None else part.safe,
        finalized=-1 if part.finalized is None else part.finalized,
    )
    saved.confirmed = len(rows)
    await tell(tx, as_of_tip, Phase.CONFIRMED, rows, saved)
