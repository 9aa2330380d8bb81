"""Instants in rows that lie further ahead than whoever wrote them can have put them.

The clock was set back since, or another process's is ahead. Beside each of these instants stands
for how long it was meant to be waited. What is further ahead is due: nothing waits for longer than
its own wait. Only the lease of a claim begins anew, because its attempt may be under way.
"""

from crypitor.database.engine import Transaction
from crypitor.runtime.loop import clock

LONGEST_WAIT_MS = 104_000_000
"""A day, which a receiver may ask for, and 20 % of the longest wait of a schedule."""

LOOK = """select
    exists (select 1 from deliveries where status = 'pending' and due_at > :now
        and due_at > :now + abs(wait_ms))
    or exists (select 1 from endpoints where circuit_until > :now + circuit_wait_ms) as found"""

BRING_BACK = """update deliveries
    set due_at = case when wait_ms < 0 then :now - wait_ms else :now end
    where id in (select id from deliveries where status = 'pending' and due_at > :now
            and due_at > :now + abs(wait_ms) order by id limit :most {lock})
    returning id"""

CLOSE = """update endpoints set circuit_until = :now
    where id in (select id from endpoints where circuit_until > :now + circuit_wait_ms
        order by id {lock})"""

MOST = 1000
"""Deliveries in one step."""


async def follow_clock(tx: Transaction) -> None:
    """Go by the database's clock, if it is a server's: its processes may be on many machines."""
    if tx.dialect == "postgresql":
        clock.follow(await tx.value(f"select {tx.now} as now"))


async def any_too_far(tx: Transaction, now: int) -> bool:
    """Whether any delivery or circuit waits for an instant that is too far ahead.

    It looks at each delivery that waits. now: unix milliseconds.
    """
    return bool(await tx.value(LOOK, now=now))


async def bring_back(tx: Transaction, now: int) -> bool:
    """Make due what is too far ahead; True if there may be more. now: unix milliseconds."""
    lock = "for no key update skip locked" if tx.dialect == "postgresql" else ""
    await tx.run(CLOSE.format(lock=lock), now=now)
    rows = await tx.all(BRING_BACK.format(lock=lock), now=now, most=MOST)
    return len(rows) == MOST
