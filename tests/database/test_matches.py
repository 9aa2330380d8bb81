"""How lists of matches are read."""

import pytest

from crypitor.database.matches import MatchFilter, list_matches
from tests.database.plans import ON_SQLITE, steps_of


@ON_SQLITE
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

    steps = await steps_of(database, lambda tx: list_matches(tx, "pr_1", MatchFilter(**named), 10))

    assert index in " ".join(steps)
