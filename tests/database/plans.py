"""How SQLite would read what a function asks it for.

PostgreSQL plans by statistics: what it does is measured, not asserted.
"""

import pytest

ON_SQLITE = pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)


class _Explained:
    """A transaction that asks for the plan of what it is told to run, and finds no rows."""

    def __init__(self, tx):
        self.tx = tx
        self.steps = []

    async def all(self, sql, **values):
        rows = await self.tx.all("explain query plan " + sql, **values)
        self.steps = [row["detail"] for row in rows]
        return []


async def steps_of(database, work):
    """Return the steps of the one statement of a unit of work that reads."""

    async def explained(tx):
        instead = _Explained(tx)
        await work(instead)
        return instead.steps

    return await database.read(explained)
