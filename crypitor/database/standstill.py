"""What shows from outside whether blocks are matched and deliveries sent: tips, and what is due."""

from dataclasses import dataclass

from crypitor.database.engine import Transaction
from crypitor.database.pending import PENDING, first_of, may_be_told
from crypitor.evm.types import Hash
from crypitor.webhook.delivery import CHAT_PACES

BLOCKS = 32
"""Over so many of the newest, at most, the time between two blocks is taken."""

MOST_ENDPOINTS = 200
"""Of those that have something due, the longest due first: enough to see any attempt."""

SLOWEST_PER_SECOND = 0.1
"""An endpoint that is allowed fewer attempts waits for its rate, however long that takes."""

SELECT_TIPS = f"""select t.network, h.number, h.hash, h.timestamp,
        (select o.number from headers o
            where o.network = t.network and o.number >= t.newest - {BLOCKS}
            order by o.number limit 1) as from_number,
        (select o.timestamp from headers o
            where o.network = t.network and o.number >= t.newest - {BLOCKS}
            order by o.number limit 1) as from_timestamp
    from (select network, max(number) as newest from headers group by network) t
        join headers h on h.network = t.network and h.number = t.newest"""  # noqa: S608 - a number

# As a sender finds it (see `due`): of each endpoint what it would claim first. What has not been
# tried yet is due whatever its row says: where that is in the future, it is claimed, or the clock
# of who queued it is ahead.
SELECT_DUE = f"""{PENDING},
    first (id, rate, format) as materialized (
        select {first_of("id")}, e.rate_per_second, e.format
        from pending join endpoints e on e.id = pending.id
        where {may_be_told("now")})
    select d.id, d.attempts, first.rate, first.format
    from first join deliveries d on d.id = first.id
    where d.due_at <= :now or d.attempts = d.earlier_attempts
    order by d.due_at, d.id limit :most"""  # noqa: S608 - parts of SQL


@dataclass(frozen=True, slots=True)
class MatchedTip:
    """The newest matched block of a network.

    block_seconds: the mean time between the newest blocks, 0.0 where nothing says so.
    """

    number: int
    hash: Hash
    block_seconds: float


async def matched_tips(tx: Transaction) -> dict[str, MatchedTip]:
    """Return the tip of each network that has one."""
    tips = {}
    for row in await tx.all(SELECT_TIPS):
        blocks = row["number"] - row["from_number"]
        seconds = (row["timestamp"] - row["from_timestamp"]) / blocks if blocks else 0.0
        tips[row["network"]] = MatchedTip(row["number"], row["hash"], max(0.0, seconds))
    return tips


async def first_due(tx: Transaction, now: int) -> dict[str, int]:
    """Return what is attempted next at endpoints that need not wait, or just now.

    Delivery → attempts of it that have ended. now: unix milliseconds.
    """
    rows = await tx.all(SELECT_DUE, now=now, most=MOST_ENDPOINTS)
    return {row["id"]: row["attempts"] for row in rows if not _waits(row["rate"], row["format"])}


def _waits(rate: float | None, form: str) -> bool:
    pace = rate or CHAT_PACES.get(form)
    return pace is not None and pace < SLOWEST_PER_SECOND
