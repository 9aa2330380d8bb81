"""kill -9 before each step of a restore, a backup and an upgrade: the old one or the new one, whole."""

import asyncio
import secrets
import sqlite3
from contextlib import closing

import pytest

from crypitor.database.copying import prove
from crypitor.database.migrate import migrations_folder, revisions
from crypitor.database.restoring import restore
from tests.killed import COPY, DATABASE, left_by_kills
from tests.schemas import make_database, rows_of

OLD, NEWEST = "0009", revisions(migrations_folder())[0]
ASIDE = ("alembic_version", "epochs", "networks")
"""Tables that a restore changes in what it puts back."""


def kept(rows):
    """Return all that a restore leaves as it is in what it puts back, every column of it."""
    return {table: found for table, found in rows.items() if table not in ASIDE}


def opened(path):
    """Return the revision and rows of a database as whoever opens it next finds it."""
    with closing(sqlite3.connect(path)) as database:  # puts what a log has into its place
        database.execute("select 1 from sqlite_master").fetchall()
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        (revision,) = database.execute("select version_num from alembic_version").fetchone()
    return revision, rows_of(path)


def with_marks(path, count):
    """Tell a database from others by how many API keys it has."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("pragma journal_mode = wal")
        for number in range(count):
            database.execute(
                "insert into api_keys (id, project_id, name, scope, secret_hash, created_at, revoked_at)"
                " select 'mark' || ?, project_id, name, scope, 'mark' || ?,"
                " created_at, revoked_at from api_keys where id not like 'mark%' limit 1",
                (number, number),
            )


@pytest.fixture
def template(tmp_path):
    folder = tmp_path / "template"
    folder.mkdir()
    return folder


def test_a_killed_restore_leaves_the_old_database_or_the_new_one(template, tmp_path):
    """And the next restore puts the copy back, whatever the kill left behind."""
    make_database(template / DATABASE, NEWEST)
    with_marks(template / DATABASE, 5)
    make_database(template / COPY, NEWEST)
    old = rows_of(template / DATABASE)
    new = rows_of(template / COPY)
    seen = []
    for folder in left_by_kills("restore", template, tmp_path / "left"):
        _, rows = opened(folder / DATABASE)
        seen.append("old" if rows == old else "new")
        asyncio.run(restore(folder / COPY, folder / DATABASE, secrets.token_bytes))
        assert kept(opened(folder / DATABASE)[1]) == kept(new)
        if rows != old:
            assert kept(rows) == kept(new)

    assert seen.count("old") > 30
    assert seen == sorted(seen, reverse=True)
    assert kept(opened(tmp_path / "left" / "done" / DATABASE)[1]) == kept(new)


def test_a_killed_backup_leaves_no_copy_or_a_whole_one(template, tmp_path):
    """And the database as it was."""
    make_database(template / DATABASE, NEWEST)
    rows = rows_of(template / DATABASE)
    seen = []
    for folder in left_by_kills("backup", template, tmp_path / "left"):
        assert opened(folder / DATABASE)[1] == rows
        seen.append((folder / COPY).exists())
        if seen[-1]:
            assert prove(folder / COPY) == NEWEST
            assert rows_of(folder / COPY) == rows

    assert len(seen) > 10
    assert prove(tmp_path / "left" / "done" / COPY) == NEWEST


def test_a_killed_upgrade_leaves_the_old_schema_or_the_new_one(template, tmp_path):
    """With all that was in it, and new columns filled as where nobody kills.

    The copy from before is whole where it has its name.
    """
    make_database(template / DATABASE, OLD)
    old = rows_of(template / DATABASE)
    left = left_by_kills("migrate", template, tmp_path / "left")
    _, filled = opened(tmp_path / "left" / "done" / DATABASE)
    del filled["epochs"]
    seen = []
    for folder in left:
        revision, rows = opened(folder / DATABASE)
        seen.append(revision)
        if revision == OLD:
            assert rows == old
            continue
        assert {table: row for table, row in rows.items() if table != "epochs"} == filled
        [(number, *drawn)] = rows["epochs"]  # by chance
        assert number == 1
        assert all(drawn)
    for folder in left:
        before = folder / f"{DATABASE}-schema-{OLD}"
        if before.exists():
            assert prove(before) == OLD
            assert rows_of(before) == old
        else:
            assert opened(folder / DATABASE)[0] == OLD

    assert {*seen} == {OLD, NEWEST}
    assert seen == sorted(seen)
