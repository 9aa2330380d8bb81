"""Looks at blocks that have left the chain: what they brought is taken back."""

import json
from collections.abc import Sequence

from crypitor.database.effects import Saved, tell
from crypitor.database.engine import Transaction
from crypitor.database.events import log_events
from crypitor.database.gauges import NEVER, Place, place_of
from crypitor.database.listeners import listeners_of
from crypitor.database.looks import COLUMNS, UPDATE, tip_of
from crypitor.database.past import HOLD
from crypitor.monitor.becoming import State
from crypitor.monitor.models import Phase
from crypitor.webhook.message import NetworkTitle

SELECT_UNWOUND = """select id from gauges where network = :network and job_id = ''
    and number > :above limit :limit"""

FORGET_UNWOUND = "delete from readings where gauge_id in {ids} and number > :above"

SELECT_NEWEST = """select r.gauge_id, r.number, r.hash, r.timestamp, r.value, r.state, r.match_id
    from readings r where r.gauge_id in {ids}
        and r.number = (select max(o.number) from readings o where o.gauge_id = r.gauge_id)"""

SELECT_UNENDED = f"""select {COLUMNS} from matches
    where network = :network and ended_hash is not null and ended_block > :above
    order by position"""  # noqa: S608

UNEND = """update matches set ended_block = null, ended_hash = null, ended = null,
        phase = case when phase = 'ended' then 'confirmed' else phase end,
        returns = returns + case when phase = 'ended' then 1 else 0 end
    where id = :id"""


async def unwind(
    tx: Transaction, network: str, title: NetworkTitle, term: int, now: int, limit: int
) -> Saved | None:
    """Forget what was read in blocks that have left the chain, of at most `limit` gauges.

    Each stands where its last reading on the chain left it, and is due. When none is left, matches
    whose end was in such a block are told again as they are. None where another process leads the
    network.
    """
    if await tx.value(HOLD, network=network, term=term) is None:
        return None
    place, saved = await place_of(tx, network), Saved()
    if place.stands:
        return saved
    rows = await tx.all(SELECT_UNWOUND, network=network, above=place.number, limit=limit)
    ids = [row["id"] for row in rows]
    if ids:
        await _restore(tx, ids, place.number)
    if len(ids) < limit:
        await _unend(tx, network, title, place, now, saved)
    await log_events(tx, saved.events)
    return saved


async def _restore(tx: Transaction, ids: Sequence[str], above: int) -> None:
    listed, told = tx.listed("ids"), json.dumps(ids)
    await tx.run(FORGET_UNWOUND.format(ids=listed), ids=told, above=above)
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
    rows = await tx.all(SELECT_UNENDED, network=network, above=place.number)
    if not rows:
        return
    await tx.many(UNEND, [(row["id"],) for row in rows])
    again = [{**row, "returns": row["returns"] + 1} for row in rows if row["phase"] == "ended"]
    tip = await tip_of(tx, network, title, now)
    # Who hears of detected matches alone has heard of the end as well.
    listeners = await listeners_of(tx, {row["monitor_id"] for row in again})
    early = {
        monitor for monitor, listener in listeners.items() if Phase.CONFIRMED not in listener.notify
    }
    for phase, some in (
        (Phase.CONFIRMED, [row for row in again if row["monitor_id"] not in early]),
        (Phase.DETECTED, [row for row in again if row["monitor_id"] in early]),
    ):
        await tell(tx, tip, phase, some, saved)
