"""The hold of a database: who excludes whom, and that it is the file that counts, not its name."""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.config import ROLES, load
from crypitor.database.hold import Part, Taken, clash, parts_of, this_process
from crypitor.database.holds import hold_of, holders_of
from crypitor.errors import ConfigError, Displaced
from crypitor.process.check.mixture import mixture_findings

ROLE_SETS = st.sets(st.sampled_from([str(role) for role in ROLES]), min_size=1)
OWNER = ["api", "worker", "monitor", "webhook"]


def config_of(url, **environ):
    return load(None, {"CRYPITOR__DATABASE__URL": url, **environ})


@pytest.fixture
async def held(empty_database_url):
    """Take a hold of the database with roles; all are let go afterwards."""
    holds = []

    async def hold(*roles, url=None, **environ):
        one = hold_of(config_of(url or empty_database_url, **environ), roles or OWNER)
        await one.take()
        holds.append(one)
        return one

    yield hold
    for one in holds:
        await one.release()


@pytest.mark.parametrize(
    "one, other, excluded",
    [
        (OWNER, OWNER, True),
        (["worker", "monitor"], ["worker", "monitor", "webhook"], True),
        (["api", "webhook"], ["worker", "monitor"], False),
        (["api"], ["api"], False),
        (["webhook"], ["webhook"], False),
        (["webhook"], OWNER, False),
        (["api"], OWNER, True),  # the owner would not know what is changed there
        (["api"], ["worker", "monitor", "webhook"], False),
    ],
)
def test_who_excludes_whom_with_the_in_process_queue(one, other, excluded):
    """What one of them believes to know alone, the other must not change."""
    parts = [parts_of(roles, in_process=True) for roles in (one, other)]

    assert clash(*parts) is excluded
    assert clash(*reversed(parts)) is excluded


@given(ROLE_SETS, ROLE_SETS)
def test_with_kafka_nobody_excludes_anybody(one, other):
    """But who owns the database alone excludes them."""
    with_kafka = [parts_of(roles, in_process=False) for roles in (one, other)]

    assert not clash(*with_kafka)
    assert clash(with_kafka[0], parts_of(OWNER, in_process=True)) is bool(one - {"webhook"})


async def test_a_second_owner_is_refused_and_told_who_is_first(held):
    """Process, host, since when, and what to do; after it has gone the database is free."""
    first = await held()
    with pytest.raises(Taken) as refused:
        await held()
    holder = first.holder
    await first.release()
    await held()

    [told] = refused.value.mistakes
    assert f"process {os.getpid()} on {holder.host} since 20" in told
    assert f"kill {os.getpid()}" in told
    assert 'queue.kind = "kafka"' in told


async def test_others_beside_it_are_known(held):
    """Each that holds a part of its own, for as long as it does."""
    owner = await held("worker", "monitor")
    sender = await held("webhook")
    api = await held("api")
    both = {one.life: one.parts for one in await owner.others()}
    await api.release()

    assert both == {
        sender.holder.life: {Part.WEBHOOK: False}, api.holder.life: {Part.API: False},
    }  # fmt: skip
    assert [one.life for one in await owner.others()] == [sender.holder.life]


async def test_a_process_with_kafka_is_refused_beside_an_owner(held):
    """Its workers would take the lead from the owner."""
    await held()
    with pytest.raises(Taken):
        await held("worker", CRYPITOR__QUEUE__KIND="kafka")


async def mixtures(url, first, theirs):
    """What `check` finds of a database that is used with a kind of queue, with the other and it."""
    kinds = ({"memory": "kafka", "kafka": "memory"}[theirs], theirs)
    configs = [config_of(url, CRYPITOR__QUEUE__KIND=kind) for kind in kinds]
    other, same = [await mixture_findings(one, await holders_of(one)) for one in configs]
    assert [first.holder.host in one.sentence for one in other] == [True]
    assert f"kill {os.getpid()}" in other[0].cure
    assert f'queue.kind = "{theirs}"' in other[0].cure
    assert same == []


async def test_check_tells_of_an_owner_where_kafka_is_meant(held, empty_database_url):
    """A start would be refused, so it is a trouble before; beside one of its own kind it is none."""
    await mixtures(empty_database_url, await held(), "memory")


async def test_who_looks_takes_nothing(held, empty_database_url):
    """It sees the owner, and is in nobody's way."""
    first = await held()
    seen = await holders_of(config_of(empty_database_url))
    await first.keep()

    assert [(one.life, one.process) for one in seen] == [(first.holder.life, os.getpid())]
    assert await first.others() == []


# ---- SQLite alone


@pytest.fixture
def file(tmp_path):
    """Return a SQLite file."""
    path = tmp_path / "real" / "crypitor.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute("create table t (x)")
    return path


def ways_to(file):
    """Other names of the same file."""
    folder, link, hard = (
        file.parent.parent / "folder",
        file.with_name("a.db"),
        file.with_name("b.db"),
    )
    folder.symlink_to(file.parent)
    link.symlink_to(file)
    hard.hardlink_to(file)
    return [
        folder / file.name, link, hard, file.parent / ".." / "real" / file.name, folder / "b.db",
    ]  # fmt: skip


async def test_check_tells_of_processes_with_kafka_where_an_owner_is_meant(held, file):
    """Of a file they hold their parts; of a server they tell that they live (tests/live)."""
    url = f"sqlite:///{file}"
    await mixtures(url, await held(url=url, CRYPITOR__QUEUE__KIND="kafka"), "kafka")


async def test_another_name_is_the_same_file(held, file):
    """A link to the file or its folder, a way with dots, and a second name for it."""
    await held(url=f"sqlite:///{file}")
    for path in ways_to(file):
        with pytest.raises(Taken):
            await held(url=f"sqlite:///{path}")
        [seen] = await holders_of(config_of(f"sqlite:///{path}"))
        assert seen.process in (os.getpid(), 0)


async def test_sqlite_itself_is_not_in_its_way(held, file):
    """Reading, writing and exclusive transactions go on as without it, of it and of others."""
    await held(url=f"sqlite:///{file}")
    for mode in ("delete", "wal"):
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            database.execute(f"pragma journal_mode = {mode}")
            database.execute("begin exclusive")
            database.execute("insert into t values (1)")
            database.execute("commit")
    with pytest.raises(Taken):
        await held(url=f"sqlite:///{file}")


async def test_the_file_and_what_is_beside_it_are_the_users_own(held, tmp_path):
    """Made by the hold where they are not there yet."""
    path = tmp_path / "new" / "x.db"
    await held(url=f"sqlite:///{path}")

    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {
        "x.db": 0o600, "x.db-owner": 0o600,
    }  # fmt: skip


async def test_what_cannot_be_a_database_is_a_mistake(held, tmp_path):
    """Not something to be waited for."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for path in ("folder", "file/x.db", f"{'x' * 300}/y.db"):
        with pytest.raises(ConfigError, match=r"database\.url"):
            await held(url=f"sqlite:///{tmp_path}/{path}")


async def test_a_file_that_was_put_in_its_place_is_held_too(held, file):
    """Nobody else gets it; and who finds it taken ends."""
    first = await held(url=f"sqlite:///{file}")
    file.rename(file.with_name("old.db"))
    await first.keep()  # nothing is there: that is for others to tell
    file.write_bytes(b"")
    await first.keep()
    with pytest.raises(Taken):
        await held(url=f"sqlite:///{file}")
    file.rename(file.with_name("older.db"))
    file.write_bytes(b"")
    await held(url=f"sqlite:///{file}")

    with pytest.raises(Displaced, match=f"process {os.getpid()}"):
        await first.keep()


def _hold_until_killed(url, held):
    one = hold_of(config_of(url), OWNER)
    asyncio.run(one.take())
    held.set()
    signal.pause()


async def test_it_is_gone_with_its_process(held, file):
    """After kill -9 nothing has to be waited for, nor to be cleared away."""
    context = multiprocessing.get_context("spawn")
    taken = context.Event()
    url = f"sqlite:///{file}"
    process = context.Process(target=_hold_until_killed, args=(url, taken))
    process.start()
    await asyncio.to_thread(taken.wait, 60)
    with pytest.raises(Taken, match=f"process {process.pid} "):
        await held(url=url)
    process.kill()
    await asyncio.to_thread(process.join)
    one = await held(url=url)

    assert await one.others() == []


async def test_what_is_written_beside_it_counts_only_while_it_is_locked(held, file):
    """The text of a process that was killed names nobody; one that cannot be read names somebody."""
    first = await held("webhook", url=f"sqlite:///{file}")
    beside = file.with_name("crypitor.db-owner")
    told = beside.read_bytes()
    second = await held("webhook", url=f"sqlite:///{file}")
    await first.release()
    beside.write_bytes(told)
    third = await held("webhook", url=f"sqlite:///{file}")

    assert len(told) == 512
    assert await third.others() is None  # the second's text is gone: nobody can say who it is
    assert third.holder != second.holder


def test_each_life_has_a_name_of_its_own():
    """Also two of the same process."""
    one, other = this_process({}), this_process({})

    assert replace(one, life=other.life) == other
    assert one.life != other.life
