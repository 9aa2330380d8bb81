"""A copy put into the place of a database: what is refused, what is kept, what is new."""

import secrets
import sqlite3
from contextlib import closing

import pytest

from crypitor.database.copying import Unusable, copy, prove
from crypitor.database.engine import Database
from crypitor.database.epochs import current_epoch
from crypitor.database.migrate import migrate, migrations_folder, pending, revisions
from crypitor.database.restoring import InUse, restore
from crypitor.errors import ConfigError, Gone
from tests.schemas import ALL, make_database, rows_of

NEWEST = revisions(migrations_folder())[0]
LIST = "/v1/matches"


async def epoch_of(path):
    async with Database.open(f"sqlite:///{path}") as database:
        return await database.read(current_epoch)


async def changed(path, sql):
    async with Database.open(f"sqlite:///{path}") as database:
        await database.write(lambda tx: tx.run(sql))


@pytest.fixture
async def places(tmp_path):
    """A database in which something happened since the copy was made."""
    database, copied = tmp_path / "crypitor.db", tmp_path / "copy.db"
    make_database(database, ALL[-1])
    await migrate(f"sqlite:///{database}", copies=False)
    copy(database, copied)
    await changed(database, "update networks set term = 77")
    await changed(database, "update api_keys set revoked_at = 5 where name = 'reader'")
    await changed(
        database,
        "insert into headers (network, number, hash, parent_hash, timestamp) select network, number + 40, hash || 'a', parent_hash, timestamp"
        " from headers where number = 3",
    )
    return database, copied


async def test_the_copy_is_in_the_place_and_what_was_there_is_kept(places):
    """Both whole; the copy itself stays as it was."""
    database, copied = places
    old, bytes_of_copy = rows_of(database), copied.read_bytes()
    restored = await restore(copied, database, secrets.token_bytes, now=0)

    assert rows_of(database)["monitors"] == rows_of(copied)["monitors"]
    assert restored.kept == database.with_name("crypitor.db-replaced-19700101T000000Z")
    assert rows_of(restored.kept) == old
    assert copied.read_bytes() == bytes_of_copy
    assert not database.with_name("crypitor.db-restoring").exists()


async def test_cursors_of_before_are_refused(places):
    """Each restore of one copy begins a time of its own."""
    database, copied = places
    before = await epoch_of(database)
    await restore(copied, database, secrets.token_bytes)
    first = await epoch_of(database)
    await restore(copied, database, secrets.token_bytes)
    second = await epoch_of(database)

    for given in (before, first):
        with pytest.raises(Gone):
            second.place(given.mark("12", LIST), LIST)
    assert second.place(second.mark("12", LIST), LIST) == "12"
    with pytest.raises(Gone):
        second.place("12", LIST)  # as releases before gave them out


async def test_what_was_published_since_is_not_newer_than_what_comes(places):
    """The terms of the networks go on where the lost ones ended."""
    database, copied = places
    await restore(copied, database, secrets.token_bytes)

    with closing(sqlite3.connect(database)) as reading:
        assert all(term >= 77 for (term,) in reading.execute("select term from networks"))


async def test_what_follows_is_told(places):
    """Which blocks come again, and which revoked keys are valid again."""
    database, copied = places
    restored = await restore(copied, database, secrets.token_bytes)

    assert restored.before.tips == {"demo": 43}
    with closing(sqlite3.connect(copied)) as reading:
        (tip,) = reading.execute("select max(number) from headers").fetchone()
    assert restored.after.tips == {"demo": tip}
    assert tip < 43
    assert len(restored.after.keys - restored.before.keys) == 1


@pytest.mark.parametrize("writes", [True, False])
async def test_a_database_that_is_open_is_left_alone(places, writes):
    """Whoever has it open, also if he does nothing at the moment."""
    database, copied = places
    rows = rows_of(database)
    async with Database.open(f"sqlite:///{database}") as opened:
        await (opened.write if writes else opened.read)(lambda tx: tx.run("select 1"))
        with pytest.raises(InUse, match="stop what has it open"):
            await restore(copied, database, secrets.token_bytes)

    assert rows_of(database) == rows
    assert not database.with_name("crypitor.db-restoring").exists()


async def test_what_cannot_be_put_back_changes_nothing(places, tmp_path):
    """A damaged file, one of a newer schema, of another program, the database itself, nothing."""
    database, copied = places
    rows = rows_of(database)
    (tmp_path / "damaged").write_bytes(copied.read_bytes()[:-8192])
    (tmp_path / "newer").write_bytes(copied.read_bytes())
    with closing(sqlite3.connect(tmp_path / "newer", isolation_level=None)) as newer:
        newer.execute("update alembic_version set version_num = '9999'")
    with closing(sqlite3.connect(tmp_path / "other")) as other:
        other.execute("create table things (id)")
    for name, problem in (
        ("damaged", "damaged"),
        ("newer", f"schema 9999 of a newer Crypitor, and this one knows {NEWEST}"),
        ("other", "another program"),
        ("crypitor.db", "is the database itself"),
        ("absent", "there is no file"),
    ):
        with pytest.raises(Unusable, match=problem):
            await restore(tmp_path / name, database, secrets.token_bytes)

        assert rows_of(database) == rows
        assert not [*tmp_path.glob("*-restoring*")]


@pytest.mark.parametrize("damage", ["none", "empty", "noise", "cut"])
async def test_a_database_that_is_lost_or_damaged_is_replaced(places, damage):
    """Its log is not taken for the new one's, and what is left of it is kept."""
    database, copied = places
    wanted = rows_of(copied)["matches"]
    content = database.read_bytes()
    log = database.with_name("crypitor.db-wal")
    if damage == "none":
        database.unlink()
    else:
        database.write_bytes({"empty": b"", "noise": b"x" * 9000, "cut": content[:9000]}[damage])
        log.write_bytes(b"of another database" * 1000)
    restored = await restore(copied, database, secrets.token_bytes)

    assert restored.before is None
    assert prove(database) == NEWEST
    assert rows_of(database)["matches"] == wanted
    assert not log.exists()
    assert (restored.kept is not None) == (damage in ("noise", "cut"))


async def test_a_copy_of_an_earlier_schema_is_brought_up(places, tmp_path):
    """The same as if its database were upgraded, and its cursors are of another time as well."""
    database, _ = places
    make_database(tmp_path / "early.db", ALL[0])
    restored = await restore(tmp_path / "early.db", database, secrets.token_bytes)

    assert (restored.revision, restored.applied[-1]) == (ALL[0], NEWEST)
    assert not await pending(f"sqlite:///{database}")
    assert (await epoch_of(database)).number == 2


async def test_an_older_program_names_the_way_back(tmp_path):
    """The copy that was made before the schema changed, if it knows that one's."""
    path = tmp_path / "crypitor.db"
    url = f"sqlite:///{path}"
    make_database(path, ALL[-2])
    await migrate(url)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("update alembic_version set version_num = '9999'")

    with pytest.raises(ConfigError, match=rf"schema 9999.*restore {path}-schema-{ALL[-2]}$"):
        await pending(url)
    path.with_name(f"crypitor.db-schema-{ALL[-2]}").unlink()
    with pytest.raises(ConfigError, match=r"schema 9999.*restore FILE$"):
        await migrate(url)
