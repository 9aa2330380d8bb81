"""Copies of a SQLite database that is in use, and what is refused as one."""

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from crypitor.database.copying import Stopped, Unusable, copy, locked, prove
from crypitor.database.engine import Database
from crypitor.errors import DatabaseUnavailable

NUMBERS = "insert into things (id) values (:id)"


@pytest.fixture
async def in_use(tmp_path, migrated_sqlite):
    """An open database of ours with a table of numbers, which has a log beside it."""
    path = tmp_path / "crypitor.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    async with Database.open(f"sqlite:///{path}") as database:
        await database.write(lambda tx: tx.run("create table things (id bigint primary key)"))
        yield database, path


def numbers(path):
    with closing(sqlite3.connect(path)) as reading:
        return [number for (number,) in reading.execute("select id from things order by id")]


async def test_a_copy_has_one_moment_of_a_database_that_is_written(in_use, tmp_path):
    """Commits during it are all in it up to one, and none beyond; they wait for nothing."""
    database, path = in_use
    filler = [(number,) for number in range(-20_000, 0)]
    await database.write(lambda tx: tx.many(NUMBERS, filler))
    copying = asyncio.create_task(asyncio.to_thread(copy, path, tmp_path / "copy.db"))
    count = 0
    while not copying.done():
        number = count
        await database.write(lambda tx: tx.run(NUMBERS, id=number))  # noqa: B023 - awaited here
        count += 1
    await copying

    found = numbers(tmp_path / "copy.db")
    assert found == [*range(-20_000, len(found) - 20_000)]
    assert len(found) <= 20_000 + count


async def test_a_copy_is_one_file_of_its_owner(in_use, tmp_path):
    """Nothing lies beside it, nobody else may read it, and its folder is made."""
    target = tmp_path / "folder" / "copy.db"
    copied = copy(in_use[1], target)

    assert [path.name for path in target.parent.iterdir()] == ["copy.db"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE(target.parent.stat().st_mode) == 0o700
    assert copied.size == target.stat().st_size


async def test_what_has_the_name_is_left_alone(in_use, tmp_path):
    """Neither a file nor a link to nowhere is written over."""
    target = tmp_path / "copy.db"
    for make in (lambda: target.write_text("mine"), lambda: target.symlink_to("nowhere")):
        make()
        with pytest.raises(Unusable, match="exists already"):
            copy(in_use[1], target)
        assert not target.is_file() or target.read_text() == "mine"
        target.unlink()


async def test_two_copies_to_one_place_exclude_each_other(in_use, tmp_path):
    """The second one is told so, and the first one is not disturbed."""
    target = tmp_path / "copy.db"
    with locked(Path(f"{target}.partial")), pytest.raises(DatabaseUnavailable, match="under way"):
        copy(in_use[1], target)
    copy(in_use[1], target)

    assert prove(target)


async def test_a_copy_that_is_stopped_leaves_nothing(in_use, tmp_path):
    """At each of its looks at whether it should."""
    database, path = in_use
    await database.write(lambda tx: tx.many(NUMBERS, [(number,) for number in range(150_000)]))
    looks = 0
    for allowed in range(1000):
        left = allowed

        def stopped():
            nonlocal left, looks
            left -= 1
            looks += 1
            return left < 0

        target = tmp_path / "copies" / f"{allowed}.db"
        try:
            copy(path, target, stopped)
        except Stopped:
            assert [*target.parent.iterdir()] == []
        else:
            break

    assert looks > 3


def test_only_whole_databases_of_ours_are_proven(tmp_path, migrated_sqlite):
    """Not text, not nothing, not half a file, not one with a page of noise, not another program's."""
    good = migrated_sqlite.read_bytes()
    page = 4096
    noise = bytes(range(256)) * 16
    bad = {
        "text": b"no database" * 1000,
        "half": good[: len(good) // 2 // page * page],
        "noise": good[: 3 * page] + noise + good[4 * page :],
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Unusable, match="damaged"):
            prove(tmp_path / name)
    (tmp_path / "nothing").touch()
    with closing(sqlite3.connect(tmp_path / "other")) as other:
        other.execute("create table things (id)")
    for name in ("nothing", "other"):
        with pytest.raises(Unusable, match="another program"):
            prove(tmp_path / name)
    (tmp_path / "good").write_bytes(good)

    assert prove(tmp_path / "good")


def test_a_row_without_what_it_refers_to_is_damage(tmp_path, migrated_sqlite):
    """SQLite's own check of its pages does not see that."""
    path = tmp_path / "crypitor.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(
            "insert into api_keys (id, project_id, name, scope, secret_hash, created_at)"
            " values ('a', 'nobody', '', 'read', 'b', 0)"
        )

    with pytest.raises(Unusable, match="refers to one that is not there"):
        prove(path)


def test_a_full_disk_is_told_before_it_is_full(tmp_path):
    """Of a file that would not fit; nothing is left behind."""
    huge = tmp_path / "crypitor.db"
    with huge.open("wb") as file:
        file.truncate(1 << 50)

    with pytest.raises(DatabaseUnavailable, match=r"the disk has \d+ MB free"):
        copy(huge, tmp_path / "copies" / "copy.db")
    assert [*(tmp_path / "copies").iterdir()] == []
