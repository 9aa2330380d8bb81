"""Looks at blocks that have left the chain: what they brought is taken back."""

import json
from collections.abc import Sequence

from crypitor.database.effects import Saved, conclude, tell
from crypitor.database.engine import Row, Transaction
from crypitor.database.gauges import Place, place_of
from crypitor.database.listeners import listeners_of
from crypitor.database.looks import COLUMNS, UPDATE, tip_of
from crypitor.database.past import HOLD
from crypitor.database.readings import forget_above, forget_latest, readings_up_to
from crypitor.monitor.gauges import NEVER, Standing
from crypitor.monitor.models import Phase, Reading
from crypitor.webhook.message import NetworkTitle

SELECT_NOTE = """select number, gauges from looks where network = :network and number > :above
    order by number desc limit 1"""

CUT_NOTE = "update looks set gauges = :gauges where network = :network and number = :number"

REMOVE_NOTE = "delete from looks where network = :network and number = :number"

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
    """Forget what was read in a block that has left the chain, of at most `limit` gauges.

    Each stands where its last reading on the chain left it, and is due. When none is left of any,
    matches whose end was in such a block are told again as they are. None where another process
    leads the network.
    """
    if await tx.value(HOLD, network=network, term=term) is None:
        return None
    place, saved = await place_of(tx, network), Saved()
    if place.stands:
        return saved
    note = await tx.one(SELECT_NOTE, network=network, above=place.number)
    if note is None:
        await _unend(tx, network, title, place, now, saved)
    else:
        await _restore_noted(tx, network, place.number, note, limit)
    await conclude(tx, saved, now)
    return saved


async def _restore_noted(tx: Transaction, network: str, above: int, note: Row, limit: int) -> None:
    """Restore gauges that a look was at, and note of them only what is left."""
    ids = json.loads(note["gauges"])
    await _restore(tx, network, ids[:limit], above)
    of = {"network": network, "number": note["number"]}
    if len(ids) > limit:
        await tx.run(CUT_NOTE, gauges=json.dumps(ids[limit:]), **of)
    else:
        await tx.run(REMOVE_NOTE, **of)


async def _restore(tx: Transaction, network: str, ids: Sequence[str], above: int) -> None:
    before = await readings_up_to(tx, ids, above)
    await tx.many(UPDATE, [_restored(one, before.get(one, Standing())) for one in ids])
    await forget_latest(tx, ids)
    await forget_above(tx, network, ids, above)


def _restored(gauge_id: str, standing: Standing) -> Sequence[object]:
    """Return the row of a gauge that is due, as what it showed last has left it."""
    reading = standing.reading or Reading(NEVER, "", 0, None)
    seen = (reading.number, reading.hash, reading.timestamp, standing.changed, reading.value)
    return (*seen, standing.state.value, standing.match, 0, None, gauge_id, "")


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
