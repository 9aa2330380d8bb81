"""Addresses of monitors that were deleted: removed in small steps, which a kill does not lose."""

from crypitor.database.engine import Transaction

AT_ONCE = 1_000
"""Addresses in one step: a few milliseconds, for which blocks may have to wait."""

# In the order of the primary key, so that neighbours leave the same page.
REMOVE = """delete from addresses where monitor_id = :monitor_id and address in (
        select address from addresses where monitor_id = :monitor_id
        order by address limit :limit)
    returning address"""


async def leave_addresses(tx: Transaction, monitor_id: str) -> None:
    """Have the addresses of a monitor removed that is being deleted."""
    await tx.run("insert into leftovers (monitor_id) values (:id)", id=monitor_id)


async def remove_leftovers(tx: Transaction) -> bool:
    """Remove some addresses that deleted monitors left; False where there was nothing to do."""
    monitor_id = await tx.value("select min(monitor_id) as monitor_id from leftovers")
    if monitor_id is None:
        return False
    rows = await tx.rows(REMOVE, monitor_id=monitor_id, limit=AT_ONCE)
    if len(rows) < AT_ONCE:
        await tx.run("delete from leftovers where monitor_id = :id", id=monitor_id)
    return True


async def has_leftovers(tx: Transaction) -> bool:
    """Whether deleted monitors have left addresses."""
    return await tx.one("select monitor_id from leftovers limit 1") is not None
