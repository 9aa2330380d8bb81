"""What only SQLite has: pragmas, a lock over the whole file, a disk."""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import time

import pytest

from crypitor.database.engine import Database, Transaction, waiting_from_now
from crypitor.database.sqlite import SQLite, path_of
from crypitor.errors import DatabaseUnavailable

HOLDER = """
import sqlite3, sys
holder = sqlite3.connect(sys.argv[1], isolation_level=None)
holder.execute("begin immediate")
print("held", flush=True)
sys.stdin.read()
"""

IN_FORCE = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL
    "foreign_keys": 1,
    "busy_timeout": 5000,
}
CACHE = "pragma cache_size"  # negative: in kB


async def pragmas(tx: Transaction) -> dict[str, object]:
    return {name: await tx.value(f"pragma {name}") for name in IN_FORCE}


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/new/folder/crypitor.db"


async def test_pragmas_are_in_force_on_every_connection(url):
    """They belong to a connection, and the library's own pool loses them."""
    async with Database.open(url, connections=3) as database:
        together = asyncio.Barrier(3)

        async def beside(tx: Transaction) -> dict[str, object]:
            await together.wait()
            return await pragmas(tx)

        readers = await asyncio.gather(*(database.read(beside) for _ in range(3)))
        writer = await database.write(pragmas)

    assert [*readers, writer] == [IN_FORCE] * 4


async def test_a_new_file_is_opened_by_several_at_once(tmp_path):
    """Only one of them switches it to WAL; the others wait, where SQLite itself would not."""
    for round_ in range(25):
        url = f"sqlite:///{tmp_path}/{round_}.db"
        async with contextlib.AsyncExitStack() as stack:
            opened = [stack.enter_async_context(Database.open(url)) for _ in range(4)]

            assert len(await asyncio.gather(*opened)) == 4


async def test_those_who_read_keep_little_in_memory(url):
    """Their pages are of no use after the next commit; those of the connection that writes are."""
    async with Database.open(url) as database:
        reading = await database.read(lambda tx: tx.value(CACHE))
        writing = await database.write(lambda tx: tx.value(CACHE))

    assert (reading, writing) == (-2_000, -16_000)


async def test_another_process_that_holds_the_lock_is_an_outage(url, tmp_path):
    """It is waited for, first within SQLite, then by the caller; afterwards all is well."""
    async with Database.open(url) as database:
        await database.write(lambda tx: tx.run("create table things (id text)"))
        # Of the one connection that writes, which stays open: no need to wait for all five seconds.
        await database.write(lambda tx: tx.run("pragma busy_timeout = 300"))
        path = tmp_path / "new/folder/crypitor.db"
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as holder:
            await asyncio.to_thread(holder.stdout.readline)
            try:
                with pytest.raises(
                    DatabaseUnavailable, match=r"SQLite .*crypitor\.db: database is locked"
                ):
                    await database.write(lambda tx: tx.run("insert into things values ('a')"))
                assert await database.read(lambda tx: tx.value("select count(*) from things")) == 0
            finally:
                await asyncio.to_thread(holder.communicate)
        await database.write(lambda tx: tx.run("insert into things values ('b')"))

        assert await database.read(lambda tx: tx.value("select id from things")) == "b"


@contextlib.contextmanager
def held(path):
    """Another process holds the write lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.communicate()


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_held_lock_is_waited_for_once_and_not_by_each_in_turn(url, tmp_path, at_once):
    """Ten writers at the one connection: in a row they would take fifty seconds."""
    async with Database.open(url) as database:
        aside = database.aside()
        await database.write(lambda tx: tx.run("create table things (id text)"))
        with held(tmp_path / "new/folder/crypitor.db"):
            began = time.monotonic()
            ended = await asyncio.gather(
                *(
                    one.write(lambda tx: tx.run("insert into things values ('a')"), at_once=at_once)
                    for one in (database, aside) * 5
                ),
                return_exceptions=True,
            )
            took = time.monotonic() - began
        waits = await database.write(lambda tx: tx.value("pragma busy_timeout"))

    assert [type(one) for one in ended] == [DatabaseUnavailable] * 10
    assert took < 25, "each waited for as long as the first"
    assert waits == 5000


async def test_what_was_waited_for_before_a_unit_counts_as_its_own(url, tmp_path):
    """As those do who wait in a row for somebody that waits for the lock."""
    row = asyncio.Lock()

    async def write(database) -> None:
        with waiting_from_now():
            async with row:
                await database.write(lambda tx: tx.run("insert into things values ('a')"))

    async with Database.open(url) as database:
        await database.write(lambda tx: tx.run("create table things (id text)"))
        with held(tmp_path / "new/folder/crypitor.db"):
            began = time.monotonic()
            writers = [write(database) for _ in range(10)]
            ended = await asyncio.gather(*writers, return_exceptions=True)
            took = time.monotonic() - began

    assert [type(one) for one in ended] == [DatabaseUnavailable] * 10
    assert took < 25, "each waited for as long as the first"


def test_who_stood_in_a_long_row_tries_all_the_same(tmp_path):
    """Without a lock a row is no outage, however long it was waited in."""
    driver = SQLite(f"sqlite:///{tmp_path}/a.db", 1)
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as raw:
        driver.begin_within(raw, time.monotonic() - 3600, writes=True)

        assert raw.in_transaction


async def test_a_full_disk_is_an_outage_and_leaves_nothing(url):
    """A limit on the pages gives the same result code as a disk without room."""
    async with Database.open(url) as database:
        await database.write(lambda tx: tx.run("create table things (id text)"))
        limit = await database.write(lambda tx: tx.value("pragma max_page_count = 20"))
        rows = [("x" * 1000,) for _ in range(1000)]

        with pytest.raises(DatabaseUnavailable, match="full"):
            await database.write(lambda tx: tx.many("insert into things (id) values (:id)", rows))
        assert limit == 20
        assert await database.read(lambda tx: tx.value("select count(*) from things")) == 0
        await database.write(lambda tx: tx.run("insert into things values ('fits')"))


async def test_a_folder_that_cannot_be_made_is_an_outage(tmp_path):
    """The disk may be mounted a moment later."""
    (tmp_path / "file").touch()

    with pytest.raises(DatabaseUnavailable, match="SQLite"):
        async with Database.open(f"sqlite:///{tmp_path}/file/crypitor.db"):
            pass


async def test_a_file_that_is_no_database_is_not_an_outage(tmp_path):
    """Waiting would not make it one."""
    (tmp_path / "crypitor.db").write_bytes(b"something else, long enough to be read" * 50)

    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        async with Database.open(f"sqlite:///{tmp_path}/crypitor.db"):
            pass


async def test_a_relative_path_begins_in_the_working_folder(tmp_path):
    """Three slashes are relative, four are absolute."""
    with contextlib.chdir(tmp_path):
        async with Database.open("sqlite:///data/crypitor.db") as database:
            await database.write(lambda tx: tx.run("create table things (id text)"))

    assert (tmp_path / "data/crypitor.db").is_file()


async def test_a_unit_that_runs_at_once_cannot_wait_for_anything_else(tmp_path):
    """It has a thread around it, and no event loop."""

    async def waits(tx: Transaction) -> None:
        await tx.run("insert into things (id) values ('a')")
        await asyncio.sleep(0)

    async def count(tx: Transaction) -> int:
        return await tx.value("select count(*) from things")

    async with Database.open(f"sqlite:///{tmp_path}/a.db") as database:
        await database.write(lambda tx: tx.run("create table things (id text)"))
        with pytest.raises(RuntimeError, match="waits for nothing but the database"):
            await database.write(waits, at_once=True)
        with pytest.raises(RuntimeError, match="cannot contain another"):
            await database.write(lambda _: database.read(count), at_once=True)
        left = await database.read(count, at_once=True)

    assert left == 0


async def stored_bytes(database: Database, size: int, *, prompt: bool) -> None:
    await database.write(
        lambda tx: tx.run("insert into blobs values (zeroblob(:size))", size=size),
        at_once=True,
        prompt=prompt,
    )


@pytest.mark.parametrize(("size", "moved"), [(5_000_000, False), (20_000_000, True)])
async def test_a_prompt_unit_leaves_a_log_that_is_not_long_to_others(url, size, moved):
    """Who waits for its COMMIT does not wait until the log is moved into the file."""
    async with Database.open(url) as database:
        file = path_of(url)
        await database.write(lambda tx: tx.run("create table blobs (content blob)"))
        await stored_bytes(database, size, prompt=True)

        assert (file.stat().st_size > size) == moved


async def test_a_log_that_a_prompt_unit_left_is_moved_by_the_next_unit(url):
    """So it does not grow while blocks are all that is stored promptly."""
    async with Database.open(url) as database:
        await database.write(lambda tx: tx.run("create table blobs (content blob)"))
        await stored_bytes(database, 5_000_000, prompt=True)
        await stored_bytes(database, 1, prompt=False)

        assert path_of(url).stat().st_size > 5_000_000
