"""The newest of the ids that are stored, behind which new ones must not fall."""

from crypitor.database.engine import Transaction
from crypitor.database.ids import Ids, is_id, time_of
from crypitor.database.keys import CONFIGURED_KEY

TABLES = ("projects", "api_keys", "monitors", "endpoints", "jobs", "replays")

NEWEST = "select max(id) as id from {table} where id <> :configured"


async def ids_from(tx: Transaction) -> Ids:
    """Return what gives times to new ids, later than those of all that are stored."""
    newest = 0
    for table in TABLES:
        found = await tx.value(NEWEST.format(table=table), configured=CONFIGURED_KEY)
        if found is not None and is_id(found, found[:3]):
            newest = max(newest, time_of(found))
    return Ids(newest)
