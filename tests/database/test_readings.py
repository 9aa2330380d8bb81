"""What gauges showed: walked back from the newest, cut off by reorgs, thinned out by retention."""

import sqlite3
from contextlib import closing

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypitor.database.engine import Database
from crypitor.database.gauges import forget, list_gauges
from crypitor.database.looks import Look, store_standings
from crypitor.database.migrate import migrate
from crypitor.database.pruning import START, Done, Slice, prune_readings
from crypitor.database.readings import (
    INSERT_READING,
    forget_above,
    newest_readings,
    readings_up_to,
    remove_old,
)
from crypitor.evm.types import Header
from crypitor.monitor.gauges import Standing, gauges_of, look, state_rules
from crypitor.monitor.models import Kind, Monitor, rule_of
from crypitor.webhook.message import NetworkTitle
from tests.gauged import enrolled
from tests.schemas import make_database

ALL_DATABASES = True
RULE = rule_of(Kind.BALANCE, where="balance < 5")
MONITOR = Monitor(
    "mo_1", "pr_1", "Balances", ("dev",), (RULE,), False, (), frozenset(), None, (), "", True, 1, 1
)  # fmt: skip
ACCOUNTS = [(f"0x{n:040x}", None) for n in range(1, 4)]
GAUGES = list(gauges_of(MONITOR, state_rules(MONITOR)[0], "dev", ACCOUNTS))
# For each block, what each account has then; None: it was not looked at.
histories = st.lists(
    st.tuples(*[st.none() | st.integers(3, 6)] * len(ACCOUNTS)), min_size=1, max_size=12
)


def header_of(number):
    return Header(number, f"0x{number:064x}", "0x", 1_700_000_000 + 10 * number)


async def seen(tx, history):
    """Store looks at block after block; return what each gauge showed anew: (height, value)."""
    for table in ("gauges", "readings", "latest_readings"):
        await tx.run(f"delete from {table}")
    gauges = await enrolled(tx, GAUGES)
    told = {gauge.id: [] for gauge in GAUGES}
    standings = {gauge.id: Standing() for gauge in GAUGES}
    for number, values in enumerate(history):
        looked = []
        for gauge, value in zip(gauges, values, strict=True):
            if value is None:
                continue
            before = standings[gauge.id]
            found = look(gauge, before, header_of(number), 1, f"0x{value:064x}")
            looked.append(found)
            standings[gauge.id] = found.standing
            if before.reading is None or before.reading.value != str(value):
                told[gauge.id].append((number, str(value)))
        header = header_of(number)
        title = NetworkTitle("Dev")
        seen = Look(network="dev", chain_id=1, title=title, header=header, now=0, looked=looked)
        await store_standings(tx, seen)
    return told


def shown(standings):
    return [(one.reading.number, one.reading.value) for one in standings]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, above=st.integers(-1, 12), most=st.integers(1, 5))
async def test_readings_are_found_from_the_newest_back(database, history, above, most):
    """As many as are asked for; up to a height the last of each, also after those above are gone."""
    ids = [gauge.id for gauge in GAUGES]

    async def unit(tx):
        told = await seen(tx, history)
        newest = await newest_readings(tx, ids, most)
        upto = await readings_up_to(tx, ids, above)
        await forget_above(tx, "dev", ids, above)
        left = await tx.all("select gauge_id, number, value from readings")
        return told, newest, upto, left

    told, newest, upto, left = await database.write(unit)

    for one, readings in told.items():
        kept = [each for each in readings if each[0] <= above]
        assert shown(newest[one]) == readings[::-1][:most]
        assert (shown([upto[one]]) if one in upto else []) == kept[-1:]
        found = sorted((row["number"], row["value"]) for row in left if row["gauge_id"] == one)
        assert found == kept


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    looks=st.lists(
        st.tuples(*[st.none() | st.tuples(st.integers(3, 6), st.booleans())] * len(ACCOUNTS)),
        max_size=8,
    )
)
async def test_a_gauge_stands_where_its_last_look_left_it(database, looks):
    """Touched or due, whether it showed anything else or not, in any order."""

    async def unit(tx):
        for table in ("gauges", "readings", "latest_readings"):
            await tx.run(f"delete from {table}")
        gauges, standings = await enrolled(tx, GAUGES), {}
        for number, asked in enumerate(looks):
            header, looked, due = header_of(number), [], set()
            for gauge, what in zip(gauges, asked, strict=True):
                if what is not None:
                    value, is_due = what
                    before = standings.get(gauge.id, Standing())
                    looked.append(look(gauge, before, header, 1, f"0x{value:064x}"))
                    standings[gauge.id] = looked[-1].standing
                    due |= {gauge.id} if is_due else set()
            told = Look(network="dev", chain_id=1, title=NetworkTitle("Dev"), header=header,
                        now=0, looked=looked, due=due)  # fmt: skip
            await store_standings(tx, told)
        return standings, await list_gauges(tx, MONITOR.id, 9)

    standings, shown = await database.write(unit)

    assert {one.gauge.id: one.gauge.standing for one in shown} == {
        gauge.id: standings.get(gauge.id, Standing()) for gauge in GAUGES
    }


async def test_what_a_forgotten_gauge_showed_is_forgotten_with_it(database):
    """All of it, also where retention took the oldest; what others showed stays."""

    async def unit(tx):
        await seen(tx, [(3, 3, None), (4, 5, 6), (5, 5, 5), (3, 6, 5)])
        await remove_old(tx, "dev", header_of(2).timestamp, -1, "", 2)
        await forget(tx, [gauge.id for gauge in GAUGES[:2]])
        return await tx.all("select distinct gauge_id from readings")

    assert [row["gauge_id"] for row in await database.write(unit)] == [GAUGES[2].id]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, cutoff=st.integers(0, 12), limit=st.integers(1, 4))
async def test_the_last_reading_before_the_cutoff_stays(database, history, cutoff, limit):
    """It held from then on; those before it go, in slices of any size, and are counted once."""

    async def unit(tx):
        told = await seen(tx, history)
        at, gauge_id, removed = -1, "", 0
        while True:
            before = header_of(cutoff).timestamp
            looked_at, gone = await remove_old(tx, "dev", before, at, gauge_id, limit)
            removed += gone
            if not looked_at:
                break
            at, gauge_id = looked_at[-1]
        return told, removed, await tx.all("select gauge_id, number from readings")

    told, removed, left = await database.write(unit)

    for one, readings in told.items():
        old = [number for number, _ in readings if number < cutoff]
        kept = old[-1:] + [number for number, _ in readings if number >= cutoff]
        assert sorted(row["number"] for row in left if row["gauge_id"] == one) == kept
    assert removed == sum(map(len, told.values())) - len(left)


async def test_each_network_is_walked_as_far_as_its_own_time(database):
    """However many there are, in slices of any size, and what is young of one holds up no other."""
    rows = [
        (network, f"ga_{network}", number, "0x", at, str(number), "armed", None, number - 1)
        for network, ages in (("a", (1, 2, 9)), ("b", (8, 9)), ("c", (1, 2, 3, 4)))
        for number, at in enumerate(ages)
    ]

    async def unit(tx):
        await tx.many(INSERT_READING, rows)
        done, removed = Done(START, 0, ended=False), 0
        while not done.ended:
            done = await prune_readings(tx, Slice("", done.place, 5_000, 2))
            removed += done.removed
        again = await prune_readings(tx, Slice("", done.place, 5_000, 2))
        left = await tx.all("select network, number from readings order by network, number")
        return removed, again, [(row["network"], row["number"]) for row in left]

    removed, again, left = await database.write(unit)

    assert left == [("a", 1), ("a", 2), ("b", 0), ("b", 1), ("c", 3)]
    assert (removed, again.removed, again.ended) == (4, 0, True)


async def test_readings_of_an_older_schema_are_taken_over(tmp_path):
    """Each knows the one before it, and its gauge the newest; those of nobody are left behind."""
    path = tmp_path / "old.db"
    make_database(path, "0031")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(
            """insert into gauges values ('ga_1', '', 'demo', 'mo_1', 'r', '0x1', null, 9, 'h', 9,
                '3', 'raised', null, null, null)"""
        )
        rows = [(name, number, f"{number}") for name in ("ga_1", "ga_gone") for number in (2, 5, 7)]
        old.executemany("insert into readings values (?, ?, 'h', 9, ?, 'armed', null)", rows)
    await migrate(f"sqlite:///{path}")
    async with Database.open(f"sqlite:///{path}") as database:
        found = await database.read(lambda tx: newest_readings(tx, ["ga_1"], 9))
        count = await database.read(lambda tx: tx.value("select count(*) from readings"))

    assert shown(found["ga_1"]) == [(7, "7"), (5, "5"), (2, "2")]
    assert count == 3
