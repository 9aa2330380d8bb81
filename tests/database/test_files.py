"""The files of a SQLite database that is open: whose they are, and what if they are taken away."""

import os
import shutil
import stat
import subprocess
import sys

import pytest

from crypitor.database.engine import Database
from crypitor.database.files import Displaced, Files, too_open
from crypitor.errors import DatabaseUnavailable

OTHER = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1])
other.execute("insert into things values (1)")
other.commit()
other.execute("pragma wal_checkpoint(truncate)").fetchall()
other.close()
"""
INSERT = "insert into things values ('lost')"


def moved(path):
    path.rename(path.with_name("elsewhere"))


def replaced(path):
    shutil.copyfile(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def deleted_and_made_again(path):
    keeping = path.open("rb")  # as somebody's backup would: the number of the file is not reused
    path.unlink()
    path.touch()
    keeping.close()


def folder_moved(path):
    path.parent.rename(path.parent.with_name("old"))


WAYS = [
    (os.unlink, ""), (moved, ""), (replaced, ""), (deleted_and_made_again, ""), (folder_moved, ""),
    (os.unlink, "-wal"), (moved, "-wal"), (replaced, "-wal"), (os.unlink, "-shm"),
]  # fmt: skip


@pytest.fixture
async def opened(tmp_path):
    folder = tmp_path / "data"
    async with Database.open(f"sqlite:///{folder}/crypitor.db") as database:
        await database.write(lambda tx: tx.run("create table things (id text)"))
        yield database, folder / "crypitor.db"


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("way, suffix", WAYS)
async def test_nothing_is_acknowledged_once_a_file_is_taken_away(opened, way, suffix, at_once):
    """Neither a write nor a read: what is stored now is in no file that a restart would open."""
    database, path = opened
    way(path.with_name(path.name + suffix))

    for unit in (database.write, database.read):
        with pytest.raises(DatabaseUnavailable, match=r"crypitor\.db.* (was deleted|is not the)"):
            await unit(lambda tx: tx.run("select 1"), at_once=at_once)


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_commit_is_not_acknowledged_if_the_file_goes_while_it_is_under_way(opened, at_once):
    """Between the first look and the last."""
    database, path = opened

    async def work(tx):
        await tx.run(INSERT)
        path.unlink()

    with pytest.raises(DatabaseUnavailable, match="was deleted or moved"):
        await database.write(work, at_once=at_once)


@pytest.mark.parametrize("way, suffix", WAYS)
def test_a_change_is_seen_after_a_long_time_without_any(tmp_path, way, suffix):
    """As long as the folder's own time says that nothing has changed, nothing else is looked at."""
    files = Files(tmp_path / "data" / "crypitor.db")
    files.make()
    for end in ("-wal", "-shm"):
        files.path.with_name(f"crypitor.db{end}").touch()
    files.opened()
    os.utime(tmp_path / "data", (1_000_000_000, 1_000_000_000))
    for _ in range(3):
        files.check()
    way(files.path.with_name(files.path.name + suffix))

    with pytest.raises(Displaced):
        files.check()


def test_a_link_leads_to_the_folder_that_is_watched(tmp_path):
    """Of a database elsewhere, the file is taken away there."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "real.db").touch()
    (tmp_path / "crypitor.db").symlink_to(tmp_path / "elsewhere" / "real.db")
    files = Files(tmp_path / "crypitor.db")
    files.opened()
    for folder in (tmp_path, tmp_path / "elsewhere"):
        os.utime(folder, (1_000_000_000, 1_000_000_000))
    files.check()
    (tmp_path / "elsewhere" / "real.db").unlink()

    with pytest.raises(Displaced):
        files.check()


async def test_a_file_that_is_put_back_is_used_again(opened):
    """It is the one that was open all the time."""
    database, path = opened
    away = path.with_name("away")
    path.rename(away)
    with pytest.raises(DatabaseUnavailable):
        await database.write(lambda tx: tx.run(INSERT))
    away.rename(path)
    await database.write(lambda tx: tx.run("insert into things values ('kept')"))

    assert await database.read(lambda tx: tx.value("select id from things")) == "kept"


async def test_others_may_come_and_go(opened):
    """The log stays the same file while others open the database, store something, and close it."""
    database, path = opened
    for _ in range(3):
        subprocess.run([sys.executable, "-c", OTHER, str(path)], check=True)
        async with Database.open(f"sqlite:///{path}") as other:
            await other.write(lambda tx: tx.run(INSERT))

    assert await database.read(lambda tx: tx.value("select count(*) from things")) == 6


async def test_files_are_their_owners_alone_whatever_the_umask(tmp_path):
    """They hold secrets and what users watch; a folder that was there keeps its mode."""
    before = os.umask(0)
    try:
        (tmp_path / "theirs").mkdir(mode=0o755)
        folder = tmp_path / "theirs" / "ours"
        async with Database.open(f"sqlite:///{folder}/crypitor.db") as database:
            await database.write(lambda tx: tx.run("create table things (id text)"))
            modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}
    finally:
        os.umask(before)

    assert modes == {"crypitor.db": 0o600, "crypitor.db-wal": 0o600, "crypitor.db-shm": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "theirs").stat().st_mode) == 0o755


async def test_what_others_may_read_is_told_with_the_command(opened):
    """The file, its log, copies beside it, the folder, and what else is named."""
    _, path = opened
    copy, key = path.with_name("crypitor.db.bak"), path.with_name("admin.key")
    for one in (copy, key):
        one.touch(mode=0o600)
    others = [key, path.with_name("absent")]
    before = list(too_open(path, others))
    for one in (path, path.with_name("crypitor.db-wal"), copy, key):
        one.chmod(0o640)
    path.parent.chmod(0o755)

    assert before == []
    assert list(too_open(path, others)) == [
        f"chmod 700 {path.parent}", f"chmod 600 {path}", f"chmod 600 {path}-wal",
        f"chmod 600 {copy}", f"chmod 600 {key}",
    ]  # fmt: skip
