from dataclasses import replace

import pytest

from crypitor.database.addresses import insert_addresses, remove_addresses
from crypitor.database.monitors import (
    Edit,
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
    assert (watching.monitor, watching.labels.few) == (MONITOR, {ADDRESSES[0]: "hot"})


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


async def edited(database, add=(), remove=(), told=True):
    """Change addresses as the API does. told: whether it records what it did."""

    async def work(tx):
        await insert_addresses(tx, "mo_1", [(address, None) for address in add])
        await remove_addresses(tx, "mo_1", remove)
        edit = Edit([(address, None) for address in add], remove)
        await record_changes(tx, ["mo_1"], edit if told else None)

    await database.write(work)


def watched(index):
    return {address for address in ADDRESSES if who_watches(index, address) == ["mo_1"]}


async def test_edits_are_followed_without_reading_all_again(stored):
    """
    Addresses that were added and removed elsewhere are taken over in their order, and only they.
    """
    index = Index()
    watchlist = Watchlist(stored, index)
    await watchlist.load()
    await edited(stored, add=ADDRESSES[1:3])
    await edited(stored, add=ADDRESSES[3:4], remove=ADDRESSES[1:2])
    # What no change speaks of shows whether all was read.
    await stored.write(lambda tx: insert_addresses(tx, "mo_1", [(ADDRESSES[4], None)]))

    revision = await watchlist.refresh()

    assert watched(index) == {ADDRESSES[0], *ADDRESSES[2:4]}
    assert revision == 3


async def test_edits_that_are_left_out_are_read_with_the_whole_monitor(stored):
    """
    Where the log was shortened, or a later change was more than an edit, nothing is missed.
    """
    indexes = [Index(), Index()]
    watchlists = [Watchlist(stored, index) for index in indexes]
    for watchlist in watchlists:
        await watchlist.load()
    await edited(stored, add=ADDRESSES[1:2])
    await edited(stored, add=ADDRESSES[2:3], told=False)
    await watchlists[0].refresh()
    await edited(stored, remove=ADDRESSES[:1])
    await stored.write(lambda tx: tx.run("delete from changes where revision in (2, 3)"))

    await watchlists[1].refresh()
    await watchlists[0].refresh()

    assert [watched(index) for index in indexes] == [set(ADDRESSES[1:3])] * 2


async def test_edits_of_a_disabled_monitor_are_not_watched(stored):
    """
    What was added while a monitor was disabled is watched when it is enabled, and not before.
    """
    index = Index()
    watchlist = Watchlist(stored, index)
    await watchlist.load()

    async def enable(tx, enabled):
        await update_monitor(tx, replace(MONITOR, enabled=enabled))
        await record_changes(tx, ["mo_1"])

    await stored.write(lambda tx: enable(tx, enabled=False))
    await watchlist.refresh()
    await edited(stored, add=ADDRESSES[1:2])
    await watchlist.refresh()
    before = watched(index)
    await stored.write(lambda tx: enable(tx, enabled=True))
    await watchlist.refresh()

    assert (before, watched(index)) == (set(), set(ADDRESSES[:2]))
