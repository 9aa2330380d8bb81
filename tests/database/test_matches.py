"""How lists of matches are read."""

import pytest

from crypitor.database.matches import MatchFilter, list_matches


@pytest.mark.parametrize("migrated", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("named", "index"),
    [
        ({"transaction": f"0x{'ab' * 32}"}, "matches_by_transaction (<expr>=?"),
        ({"address": f"0x{'ab' * 20}"}, "matches_by_address (<expr>=?"),
        ({"monitor": "mo_1"}, "matches_monitor (monitor_id=?"),
        ({"phase": "reverted"}, "matches_reverted"),
        ({"phase": "detected"}, "matches_unconfirmed"),
        ({"phase": "confirmed"}, "matches_project (project_id=?"),
        ({}, "matches_project (project_id=?"),
        ({"network": "ethereum", "monitor": "mo_1"}, "matches_monitor (monitor_id=?"),
        (
            {"transaction": f"0x{'ab' * 32}", "monitor": "mo_1", "address": f"0x{'ab' * 20}"},
            "matches_by_transaction (<expr>=?",
        ),
        ({"phase": "reverted", "network": "ethereum", "monitor": "mo_1"}, "matches_reverted"),
        ({"phase": "detected", "address": f"0x{'ab' * 20}"}, "matches_unconfirmed"),
        (
            {"phase": "confirmed", "address": f"0x{'ab' * 20}", "network": "ethereum"},
            "matches_by_address (<expr>=?",
        ),
    ],
)
async def test_a_list_reads_the_index_of_what_is_named(database, named, index):
    """Not everything that the project has."""

    class Explained:
        """Asks for the plan of what it is told to run."""

        def __init__(self, tx):
            self.tx = tx

        async def all(self, sql, **values):
            rows = await self.tx.all("explain query plan " + sql, **values)
            self.plan = " ".join(row["detail"] for row in rows)
            return []

    async def work(tx):
        explained = Explained(tx)
        await list_matches(explained, "pr_1", MatchFilter(**named), 10)
        return explained.plan

    assert index in await database.read(work)
