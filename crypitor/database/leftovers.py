"""Lists of addresses that no monitor has any more: removed in small steps, whatever is killed."""

from crypitor.database.engine import Transaction

AT_ONCE = 1_000
"""Addresses in one step: a few milliseconds, for which blocks may have to wait."""

# In the order of the primary key, so that neighbours leave the same page.
REMOVE = """delete from addresses where list_id = :list_id and address in (
        select address from addresses where list_id = :list_id
        order by address limit :limit)
    returning address"""


async def leave_addresses(tx: Transaction, monitor_id: str) -> None:
    """Have the addresses of a monitor removed that is being deleted, or given another list."""
    await tx.run(
        "insert into leftovers (list_id) select list_id from monitors where id = :id",
        id=monitor_id,
    )


async def remove_leftovers(tx: Transaction) -> bool:
    """Remove some addresses that were left; False where there was nothing to do."""
    list_id = await tx.value("select min(list_id) as list_id from leftovers")
    if list_id is None:
        return False
    rows = await tx.rows(REMOVE, list_id=list_id, limit=AT_ONCE)
    if len(rows) < AT_ONCE:
        await tx.run("delete from leftovers where list_id = :id", id=list_id)
    return True


async def has_leftovers(tx: Transaction) -> bool:
    """Whether addresses were left."""
    return await tx.one("select list_id from leftovers limit 1") is not None
