"""Databases of every schema that there was, with data in them, brought to the newest one."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from crypitor.database.before import KEPT, copies_of
from crypitor.database.copying import prove
from crypitor.database.engine import Database
from crypitor.database.migrate import migrate, migrations_folder, pending, revisions
from tests.schemas import ALL, make_database, rows_of, shape_of

NEWEST, KNOWN = revisions(migrations_folder())


def test_there_is_a_database_of_each_schema():
    """The newest among them, which `python -m tests.schemas` makes; some were never released."""
    assert {*ALL} <= KNOWN
    assert NEWEST in ALL


def columns_of(path, table):
    with closing(sqlite3.connect(path)) as database:
        return [row[1] for row in database.execute(f"pragma table_info({table})")]


def by_column(path, table, columns):
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(f"select {', '.join(columns)} from {table}")
        return sorted(rows.fetchall(), key=repr)


@pytest.mark.parametrize("revision", ALL)
async def test_what_was_stored_is_there_after_an_upgrade(tmp_path, migrated_sqlite, revision):
    """In the same shape as if the database were new; what was before is in a copy."""
    path, before = tmp_path / "crypitor.db", tmp_path / "before.db"
    make_database(path, revision)
    shutil.copyfile(path, before)
    applied = await migrate(f"sqlite:///{path}")

    assert bool(applied) == (revision != NEWEST)
    assert prove(path) == NEWEST
    assert shape_of(path) == shape_of(migrated_sqlite)
    for table in rows_of(before).keys() - {"alembic_version", "counters"}:
        same = [one for one in columns_of(before, table) if one in columns_of(path, table)]
        if same and table != "deliveries":
            assert by_column(path, table, same) == by_column(before, table, same), table
    assert len(rows_of(path)["deliveries"]) == len(rows_of(before)["deliveries"])
    copies = copies_of(path)
    assert [copy.name for copy in copies] == ([f"crypitor.db-schema-{revision}"] if applied else [])
    for copy in copies:
        assert rows_of(copy) == rows_of(before)


async def test_a_new_database_needs_no_copy(tmp_path):
    """Nor does one that is told to be changed without."""
    await migrate(f"sqlite:///{tmp_path}/new.db")
    make_database(tmp_path / "old.db", ALL[0])
    await migrate(f"sqlite:///{tmp_path}/old.db", copies=False)

    assert copies_of(tmp_path / "new.db") == copies_of(tmp_path / "old.db") == []


async def test_few_copies_are_kept(tmp_path):
    """Of one upgrade after the other, the newest of them."""
    path = tmp_path / "crypitor.db"
    make_database(path, ALL[0])
    for last in (4, 8, 12, len(ALL)):
        folder = tmp_path / f"until-{last}"
        (folder / "versions").mkdir(parents=True)
        shutil.copy(migrations_folder() / "env.py", folder)
        for file in sorted((migrations_folder() / "versions").glob("0*.py"))[:last]:
            shutil.copy(file, folder / "versions")
        await migrate(f"sqlite:///{path}", folder)

    assert [copy.name for copy in copies_of(path)] == [
        f"crypitor.db-schema-{ALL[7]}", f"crypitor.db-schema-{ALL[11]}",
    ]  # fmt: skip
    assert len(copies_of(path)) == KEPT


@pytest.mark.parametrize("revision", ALL)
async def test_the_same_rows_are_brought_up_on_both_databases(
    empty_database_url, tmp_path, revision
):
    """What SQLite had, put into tables that the migrations up to then make, is there afterwards."""
    source, folder = tmp_path / "source.db", tmp_path / "until"
    make_database(source, revision)
    (folder / "versions").mkdir(parents=True)
    shutil.copy(migrations_folder() / "env.py", folder)
    for file in (migrations_folder() / "versions").glob("0*.py"):
        if file.name[:4] <= revision:
            shutil.copy(file, folder / "versions")
    await migrate(empty_database_url, folder)
    rows = rows_of(source)
    # PostgreSQL alone has to be told that its own numbers are given.
    by_hand = "overriding system value" if "postgresql" in empty_database_url else ""
    async with Database.open(empty_database_url) as database:
        await database.write(lambda tx: put(tx, source, rows, by_hand=by_hand))
    await migrate(empty_database_url)

    assert not await pending(empty_database_url)
    async with Database.open(empty_database_url) as database:
        for table in ("projects", "endpoints", "monitors", "addresses", "matches", "deliveries"):
            found = await database.read(lambda tx: tx.value(f"select count(*) from {table}"))  # noqa: B023
            assert found == len(rows[table]), table


async def put(tx, source, rows, by_hand):
    """Insert rows after those that they refer to."""
    left = {table: these for table, these in rows.items() if table != "alembic_version"}
    while left:
        free = [table for table in left if not refers(source, table) & left.keys() - {table}]
        for table in free:
            columns = columns_of(source, table)
            await tx.run(f"delete from {table}")
            names = ", ".join(f":{column}" for column in columns)
            sql = f"insert into {table} ({', '.join(columns)}) {by_hand} values ({names})"
            await tx.many(sql, left.pop(table))


def refers(source, table):
    with closing(sqlite3.connect(source)) as database:
        return {row[2] for row in database.execute(f"pragma foreign_key_list({table})")}
