"""Monitors, their addresses and the log of their changes in the database."""

import gc
import os
from dataclasses import replace

import pytest

from crypitor.database.addresses import (
    add_addresses,
    all_addresses,
    count_addresses,
    insert_addresses,
    list_addresses,
    load_addresses,
    remove_addresses,
    replace_addresses,
)
from crypitor.database.endpoints import insert_endpoint
from crypitor.database.keys import ensure_project
from crypitor.database.leftovers import AT_ONCE, remove_leftovers
from crypitor.database.monitors import (
    Edit,
    MonitorFilter,
    Recorded,
    changes_after,
    delete_monitor,
    edit_of,
    get_monitor,
    insert_monitor,
    list_monitors,
    load_monitors,
    load_some_monitors,
    newest_revision,
    record_changes,
    update_monitor,
)
from crypitor.evm.abi.types import Argument
from crypitor.monitor.models import (
    DEFAULT_RULES,
    Direction,
    Kind,
    Monitor,
    Phase,
    Rule,
    rule_of,
)
from crypitor.process.upkeep import leftovers
from crypitor.webhook.delivery import Endpoint

A, B, C = (f"0x{digit * 40}" for digit in "abc")


@pytest.fixture
async def project(database) -> str:
    """Return the id of a project."""
    return await database.write(lambda tx: ensure_project(tx, 1, os.urandom))


@pytest.fixture
def monitor(project) -> Monitor:
    """Return a monitor in which nothing has its default."""
    return Monitor(
        id="mo_" + "1" * 26,
        project_id=project,
        name="Tr\u00e9sor \U0001f4b0",
        networks=("ethereum", "dev"),
        rules=(Rule(Kind.NATIVE, Direction.IN), Rule(Kind.ERC20, contracts=frozenset({A, B}))),
        any_address=False,
        endpoints=("ep_2", "ep_1"),
        notify=frozenset({Phase.CONFIRMED}),
        confirmations="finalized",
        tags=("b", "a"),
        note="two\nlines",
        enabled=True,
        created_at=5,
        updated_at=6,
    )


async def store(database, *monitors: Monitor) -> None:
    """Store monitors with the endpoints that they name."""

    async def unit(tx):
        for number in (1, 2):
            await insert_endpoint(
                tx,
                Endpoint(f"ep_{number}", monitors[0].project_id, "https://example.com", "whsec_"),
            )
        for monitor in monitors:
            await insert_monitor(tx, monitor)

    await database.write(unit)


async def test_monitor_is_read_as_it_was_stored(database, monitor):
    """Every field comes back, endpoints and tags in their order."""
    await store(database, monitor)

    read = await database.read(lambda tx: get_monitor(tx, monitor.project_id, monitor.id))

    assert read == monitor


async def test_update_replaces_all_but_identity(database, monitor):
    """An updated monitor is what it was updated to."""
    after = replace(
        monitor,
        name="n",
        networks=("dev",),
        rules=DEFAULT_RULES,
        any_address=True,
        endpoints=("ep_1",),
        notify=frozenset(),
        confirmations=3,
        tags=(),
        note="",
        enabled=False,
        updated_at=9,
    )
    await store(database, monitor)

    await database.write(lambda tx: update_monitor(tx, after))

    assert await database.read(lambda tx: get_monitor(tx, monitor.project_id, monitor.id)) == after


async def test_other_project_finds_nothing(database, monitor):
    """Reading, listing and deleting need the monitor's own project."""
    await store(database, monitor)

    read = await database.read(lambda tx: get_monitor(tx, "pr_x", monitor.id))
    listed = await database.read(lambda tx: list_monitors(tx, "pr_x", MonitorFilter(), 9))
    deleted = await database.write(lambda tx: delete_monitor(tx, "pr_x", monitor.id))

    assert (read, listed, deleted) == (None, [], None)


async def test_index_is_loaded_from_enabled_monitors(database, monitor):
    """What the index starts with: enabled monitors, and their addresses chunk by chunk."""
    disabled = replace(monitor, id="mo_" + "2" * 26, enabled=False)
    other = replace(monitor, id="mo_" + "3" * 26)
    await store(database, monitor, disabled, other)

    async def unit(tx):
        for one in (monitor, disabled, other):
            await insert_addresses(tx, one.id, [(B, "b"), (A, None), (C, None)])

    await database.write(unit)

    loaded, last = [], ""
    while page := await database.read(lambda tx: load_monitors(tx, last, 1)):  # noqa: B023
        loaded += page
        last = page[-1].id
    rows, after = [], None
    while chunk := await database.read(lambda tx: load_addresses(tx, after, 2)):  # noqa: B023
        rows += [(one.monitor_id, *pair) for one in chunk for pair in one.pairs]
        after = rows[-1][:2]
    assert {one.id for one in loaded} == {monitor.id, other.id}
    assert rows == [
        (one.id, address, label)
        for one in (monitor, other)
        for address, label in ((A, None), (B, "b"), (C, None))
    ]


async def test_every_kind_of_rule_is_stored(database, monitor):
    """Rules come back with signatures as they were written, read, and with all their limits."""
    fragment = {"type": "event", "name": "Said", "inputs": [{"name": "what", "type": "string"}]}
    rules = (
        rule_of(Kind.NATIVE, direction=Direction.OUT, include_failed=True, where="amount > 5"),
        rule_of(Kind.ERC20, contracts=frozenset({A, B})),
        rule_of(Kind.EVENT, signature="event Paused(address by)", where="watched(args.by)"),
        rule_of(Kind.EVENT, signature=fragment, contracts=frozenset({A})),
        rule_of(Kind.CALL, signature="function say(string what)", where="args.what == '\x00é'"),
        rule_of(Kind.DEPLOYMENT, direction=Direction.IN),
    )
    monitor = replace(monitor, rules=rules)
    await store(database, monitor)

    read = await database.read(lambda tx: get_monitor(tx, monitor.project_id, monitor.id))

    assert rules == read.rules
    assert [rule.abi for rule in rules] == [rule.abi for rule in read.rules]


async def test_a_page_of_monitors_reads_no_signatures(database, monitor):
    """The largest is made of a thousand types, and a page may have hundreds of them."""
    wide = rule_of(Kind.CALL, signature=f"f({','.join(['bool'] * 1000)})")
    monitors = [replace(monitor, id=f"mo_{number:026}", rules=(wide,)) for number in range(4)]
    await store(database, *monitors)
    before = sum(isinstance(one, Argument) for one in gc.get_objects())

    page = await database.read(
        lambda tx: list_monitors(tx, monitor.project_id, MonitorFilter(), 10)
    )

    assert [one.rules for one in page] == [(wide,)] * 4
    assert sum(isinstance(one, Argument) for one in gc.get_objects()) <= before


async def test_some_monitors_are_loaded_by_id(database, monitor):
    """Changes of other processes are read by id, disabled monitors too; gone ones are left out."""
    disabled = replace(monitor, id="mo_" + "2" * 26, enabled=False)
    await store(database, monitor, disabled)

    loaded = await database.read(lambda tx: load_some_monitors(tx, [disabled.id, "mo_gone"]))

    assert loaded == [disabled]


async def test_changes_are_read_in_their_order(database):
    """Revisions grow by one for each monitor that changed."""
    await database.write(lambda tx: record_changes(tx, ["mo_1", "mo_2"]))
    await database.write(lambda tx: record_changes(tx, ["mo_1"]))
    await database.write(lambda tx: record_changes(tx, []))

    changes = await database.read(lambda tx: changes_after(tx, 1, 10))

    assert changes == [Recorded(2, "mo_2", is_edit=False), Recorded(3, "mo_1", is_edit=False)]
    assert await database.read(newest_revision) == 3


async def test_edits_come_back_as_they_were_recorded(database):
    """What was done to addresses is read by its revision; of other changes there is nothing."""
    edit = Edit([(A, "hot"), (B, None)], [C])
    await database.write(lambda tx: record_changes(tx, ["mo_1"], edit))
    await database.write(lambda tx: record_changes(tx, ["mo_1"]))

    changes = await database.read(lambda tx: changes_after(tx, 0, 10))
    edits = [
        await database.read(lambda tx: edit_of(tx, change.revision))  # noqa: B023
        for change in changes
    ]

    assert changes == [Recorded(1, "mo_1", is_edit=True), Recorded(2, "mo_1", is_edit=False)]
    assert edits == [edit, None]


async def test_addresses_are_added_once(database, monitor):
    """Adding tells what is new, what was there, and what changed for the index."""
    await store(database, monitor)
    await database.write(lambda tx: insert_addresses(tx, monitor.id, [(A, "old"), (B, "kept")]))

    added = await database.write(
        lambda tx: add_addresses(tx, monitor.id, {A: "new", B: None, C: "c"})
    )

    stored = [pair async for chunk in all_addresses(database, monitor.id) for pair in chunk]
    assert (added.added, added.already_present) == (1, 2)
    assert sorted(added.changed) == [(A, "new"), (C, "c")]
    assert stored == [(A, "new"), (B, "kept"), (C, "c")]


async def test_removal_tells_what_was_there(database, monitor):
    """Only addresses that were watched are told as removed."""
    await store(database, monitor)
    await database.write(lambda tx: insert_addresses(tx, monitor.id, [(A, None), (B, None)]))

    removed = await database.write(lambda tx: remove_addresses(tx, monitor.id, [B, C]))

    assert removed == [B]
    assert await database.read(lambda tx: count_addresses(tx, [monitor.id])) == {monitor.id: 1}


COUNT_LISTS = "select list_id, count(*) as addresses from addresses group by list_id"


async def test_a_deleted_monitor_leaves_its_addresses_to_be_removed(database, monitor):
    """A deleted monitor is gone at once; its addresses go in small steps, and only they."""
    other = replace(monitor, id="mo_other")
    pairs = [(f"0x{number:040x}", None) for number in range(2 * AT_ONCE + 5)]

    async def prepared(tx):
        await insert_monitor(tx, other)
        for one in (monitor, other):
            await insert_addresses(tx, one.id, pairs)

    await store(database, monitor)
    await database.write(prepared)
    deleted = await database.write(lambda tx: delete_monitor(tx, monitor.project_id, monitor.id))
    left = []
    while await database.write(remove_leftovers):
        rows = await database.read(lambda tx: tx.all(COUNT_LISTS))
        counts = {row["list_id"]: row["addresses"] for row in rows}
        left.append((counts.get(monitor.id, 0), counts[other.id]))

    assert deleted == monitor
    assert left == [(AT_ONCE + 5, len(pairs)), (5, len(pairs)), (0, len(pairs))]
    assert await database.read(lambda tx: tx.all("select * from leftovers")) == []


async def test_a_replaced_list_is_watched_whole_or_not_at_all(database, monitor):
    """Another list is in force at once, whatever it replaces, which goes in small steps."""
    before = [(f"0x{number:040x}", "old") for number in range(AT_ONCE + 5)]
    after = [(A, "a"), *before[:2], (B, None)]
    await store(database, monitor)
    await database.write(lambda tx: insert_addresses(tx, monitor.id, before))

    await database.write(lambda tx: replace_addresses(tx, monitor.id, "li_2", after))

    listed = await database.read(lambda tx: list_addresses(tx, monitor.id, 2000))
    chunks = await database.read(lambda tx: load_addresses(tx, None, 2000))
    rows = await database.read(lambda tx: tx.all(COUNT_LISTS))
    while await database.write(remove_leftovers):
        pass
    assert listed == sorted(after)
    assert [(chunk.monitor_id, chunk.pairs) for chunk in chunks] == [(monitor.id, sorted(after))]
    assert {row["addresses"] for row in rows} == {len(before), len(after)}
    rows = await database.read(lambda tx: tx.all(COUNT_LISTS))
    assert [(row["list_id"], row["addresses"]) for row in rows] == [("li_2", len(after))]


async def test_leftovers_are_found_again_after_a_kill(database, monitor):
    """Whoever comes next goes on with what a deletion left, without being told of it."""

    async def prepared(tx):
        await insert_addresses(tx, monitor.id, [("0x" + "a" * 40, None)])
        await delete_monitor(tx, monitor.project_id, monitor.id)

    await store(database, monitor)
    await database.write(prepared)
    sweep = leftovers(database)
    while await sweep.step():
        pass

    assert await database.read(lambda tx: tx.all("select * from addresses")) == []


@pytest.mark.parametrize(
    ("prefix", "cursor", "expected"),
    [
        ("0x", None, [A, B, C]),
        ("0xb", None, [B]),
        ("0x", A, [B, C]),
        (B, None, [B]),
        ("0xa", A, []),
    ],
)
async def test_addresses_by_prefix_and_cursor(database, monitor, prefix, cursor, expected):
    """The list begins behind the cursor and within the prefix."""
    await store(database, monitor)
    await database.write(
        lambda tx: insert_addresses(tx, monitor.id, [(a, None) for a in (C, A, B)])
    )

    rows = await database.read(
        lambda tx: list_addresses(tx, monitor.id, 9, prefix=prefix, cursor=cursor)
    )

    assert [address for address, _ in rows] == expected
