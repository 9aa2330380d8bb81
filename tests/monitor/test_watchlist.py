from dataclasses import replace

import pytest

from crypitor.database.addresses import insert_addresses
from crypitor.database.monitors import (
    delete_monitor,
    insert_monitor,
    record_changes,
    update_monitor,
)
from crypitor.monitor.index import Index
from crypitor.monitor.watchlist import Watchlist
from tests.monitor.test_index import ADDRESSES, who_watches
from tests.monitor.test_match import MONITOR


@pytest.fixture
async def stored(database):
    """A monitor with one address, as another process would have stored it."""

    async def work(tx):
        await tx.run("insert into projects (id, name, created_at) values ('pr_1', 'default', 0)")
        await insert_monitor(tx, MONITOR)
        await insert_addresses(tx, "mo_1", [(ADDRESSES[0], "hot")])
        await record_changes(tx, ["mo_1"])

    await database.write(work)
    return database


async def test_load_fills_the_index(stored):
    """
    Every enabled monitor is watched with its addresses and labels after the load.
    """
    index = Index()
    await Watchlist(stored, index).load()

    (watching,) = index.watching(index.look_up(ADDRESSES[0]))
    assert (watching.monitor, watching.labels) == (MONITOR, {ADDRESSES[0]: "hot"})


async def test_refresh_takes_over_what_other_processes_changed(stored):
    """
    Addresses that were added, rules that changed and monitors that were deleted are followed.
    """
    index = Index()
    watchlist = Watchlist(stored, index)
    await watchlist.load()

    async def change(tx):
        await insert_addresses(tx, "mo_1", [(ADDRESSES[1], None)])
        await update_monitor(tx, replace(MONITOR, name="Renamed"))
        await record_changes(tx, ["mo_1"])

    async def delete(tx):
        await delete_monitor(tx, "pr_1", "mo_1")
        await record_changes(tx, ["mo_1"])

    await stored.write(change)
    await watchlist.refresh()
    (watching,) = index.watching(index.look_up(ADDRESSES[1]))
    await stored.write(delete)
    await watchlist.refresh()

    assert watching.monitor.name == "Renamed"
    assert who_watches(index, ADDRESSES[0]) == []


async def test_disabled_monitors_are_not_watched(stored):
    """
    A monitor that was disabled elsewhere leaves the index.
    """
    index = Index()
    watchlist = Watchlist(stored, index)
    await watchlist.load()

    async def disable(tx):
        await update_monitor(tx, replace(MONITOR, enabled=False))
        await record_changes(tx, ["mo_1"])

    await stored.write(disable)
    await watchlist.refresh()

    assert "mo_1" not in index


async def test_in_doubt_the_database_is_asked(stored):
    """
    Without a doubt the index is left alone; with one it takes over what it lacks.
    """
    index = Index()
    watchlist = Watchlist(stored, index)
    await watchlist.load()
    await stored.write(lambda tx: insert_addresses(tx, "mo_1", [(ADDRESSES[2], None)]))
    await stored.write(lambda tx: record_changes(tx, ["mo_1"]))
    await watchlist.refresh_if_in_doubt()
    before = who_watches(index, ADDRESSES[2])
    watchlist.doubt()
    await watchlist.refresh_if_in_doubt()

    assert (before, who_watches(index, ADDRESSES[2])) == ([], ["mo_1"])
