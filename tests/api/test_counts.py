"""Counts of addresses that are kept as long as no monitor has changed."""

import os
from dataclasses import replace

from crypitor.api.serving.counts import Counts
from crypitor.database.addresses import insert_addresses
from crypitor.database.keys import ensure_project
from crypitor.database.monitors import insert_monitor, record_changes
from tests.monitor.test_match import MONITOR, A, B


async def test_what_is_counted_is_counted_again_only_after_a_change(database):
    """An address that comes without a change of its monitor, as none does, shows what is kept."""
    counts, found, mine = Counts(), [], MONITOR.id

    async def begin(tx) -> None:
        project = await ensure_project(tx, 1, os.urandom)
        await insert_monitor(tx, replace(MONITOR, project_id=project, endpoints=()))

    async def change(tx) -> None:
        await insert_addresses(tx, mine, [(B, None)])
        await record_changes(tx, [mine])

    async def look() -> None:
        found.append(await database.read(lambda tx: counts.of(tx, [mine, "mo_none"])))

    await database.write(begin)
    await look()
    await database.write(lambda tx: insert_addresses(tx, mine, [(A, None)]))
    await look()
    await database.write(change)
    await look()

    assert [one[mine] for one in found] == [0, 0, 2]
    assert [one["mo_none"] for one in found] == [0, 0, 0]
