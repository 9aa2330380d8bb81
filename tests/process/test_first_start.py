"""The first start: its key, and what is taken for a lost database in place of a new one."""

import os
import pty
import secrets
import subprocess
import sys

import pytest

from crypitor.config import Config, load
from crypitor.config.paths import admin_key_path
from crypitor.database.engine import Database
from crypitor.database.keys import create_project, find_caller, operators_project
from crypitor.database.migrate import migrate
from crypitor.errors import ConfigError
from crypitor.process.first_start import let_somebody_in, refuse_blank


def config_of(folder, name="crypitor.db", **api) -> Config:
    """Return the configuration with a database in a folder."""
    return Config.model_validate({"database": {"url": f"sqlite:///{folder}/{name}"}, "api": api})


async def start(config: Config, *, new: bool = False) -> str | None:
    """Do what a start does until somebody can get in."""
    await refuse_blank(config, new=new)
    url = config.database.url.get_secret_value()
    await migrate(url)
    async with Database.open(url) as database:
        return await let_somebody_in(database, config, new=new)


async def opens(config: Config) -> bool:
    """Say whether what lies in admin.key opens the database."""
    secret = admin_key_path(config).read_text().strip()
    async with Database.open(config.database.url.get_secret_value()) as database:
        return await database.read(lambda tx: find_caller(tx, secret)) is not None


async def test_key_of_the_first_start_is_the_owners(tmp_path):
    """The key lies in a file of its owner's alone, nothing else is left, and it stays that one."""
    config = config_of(tmp_path)
    made = await start(config)
    again = await start(config)

    path = admin_key_path(config)
    assert (path.read_text().strip(), again) == (made, None)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.glob("admin*")] == ["admin.key"]


@pytest.mark.parametrize("kind", ["missing", "mistyped", "empty file", "empty schema"])
@pytest.mark.parametrize("configured", [None, "a-key-that-the-operator-has-chosen-himself"])
async def test_empty_database_beside_a_key_is_refused(tmp_path, kind, configured):
    """It is told with the way out, the key stays, and no database is made."""
    await start(config_of(tmp_path))
    kept = (tmp_path / "admin.key").read_text()
    config = config_of(tmp_path, "other.db", **({"admin_key": configured} if configured else {}))
    place = tmp_path / "other.db"
    if kind == "missing":
        config = config_of(tmp_path)
        (place := tmp_path / "crypitor.db").unlink()
    elif kind == "empty file":
        place.touch()
    elif kind == "empty schema":
        await migrate(f"sqlite:///{place}")
    before = place.read_bytes() if place.exists() else None

    with pytest.raises(ConfigError, match=r"database.url: .*admin.key .*--new"):
        await start(config)

    assert (tmp_path / "admin.key").read_text() == kept
    assert (place.read_bytes() if place.exists() else None) == before


async def test_new_database_leaves_the_key_of_before(tmp_path):
    """With `new` the empty database gets a key of its own; the old one stays under a number."""
    await start(config_of(tmp_path))
    kept = (tmp_path / "admin.key").read_text()
    for number in (1, 2):
        config = config_of(tmp_path, f"other{number}.db")
        assert await start(config, new=True)

        assert await opens(config)
    assert (tmp_path / "admin.key.1").read_text() == kept
    assert len({one.read_text() for one in tmp_path.glob("admin.key*")}) == 3


async def test_new_says_nothing_of_a_database_that_is_there(tmp_path):
    """With `new` a database that has a project keeps its key."""
    config = config_of(tmp_path)
    await start(config)

    assert await start(config, new=True) is None
    assert await opens(config)


async def test_start_that_was_cut_off_before_its_commit_is_made_again(tmp_path):
    """A key that was written and never committed is no reason to refuse the next start."""
    config = config_of(tmp_path)
    (tmp_path / "admin.key.crypitor.db.new").write_text("ke_never_committed\n")

    made = await start(config)

    assert (tmp_path / "admin.key").read_text().strip() == made
    assert await opens(config)


async def test_start_that_was_cut_off_after_its_commit_has_its_key(tmp_path):
    """A key that was committed and not yet at its place is put there by the next start."""
    config = config_of(tmp_path)
    made = await start(config)
    (tmp_path / "admin.key").rename(tmp_path / "admin.key.crypitor.db.new")

    await start(config)

    assert (tmp_path / "admin.key").read_text().strip() == made


async def test_clock_says_nothing_of_who_the_operator_is(database):
    """A project made by a clock that is years behind the first start's is not the operator's."""
    far, past = 4_000_000_000_000, 1_000_000_000_000

    async def unit(tx):
        from crypitor.database.keys import Scope, create_key, ensure_admin

        first = await ensure_admin(tx, None, far, os.urandom)
        other = await create_project(tx, "other", past, os.urandom)
        _, secret = await create_key(tx, other.id, "x", Scope.ADMIN, past, os.urandom)
        assert other.id < await operators_project(tx)
        return first, secret

    first, secret = await database.write(unit)

    callers = [await database.read(lambda tx, s=s: find_caller(tx, s)) for s in (first, secret)]
    assert [caller.operator for caller in callers] == [True, False]


async def test_operator_of_a_database_of_before_stays(tmp_path):
    """The migration writes down the project that was the first until then."""
    import shutil
    import sqlite3

    from crypitor.database.migrate import migrations_folder

    folder = tmp_path / "migrations"
    shutil.copytree(migrations_folder(), folder)
    for later in (folder / "versions").glob("00[2-9]*.py"):
        later.unlink()
    path = tmp_path / "before.db"
    await migrate(f"sqlite:///{path}", folder)
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "insert into projects (id, name, created_at) values (?, 'x', 1)", [("pr_b",), ("pr_a",)]
        )
    await migrate(f"sqlite:///{path}")

    async with Database.open(f"sqlite:///{path}") as database:
        assert await database.read(operators_project) == "pr_a"


@pytest.mark.parametrize("terminal", [True, False])
def test_key_is_shown_on_a_terminal_alone(terminal):
    """Whoever looks at a terminal sees the key; a log or a pipe gets the path."""
    words = (
        "from pathlib import Path; from crypitor.process.opening import announce;"
        "announce('', 'ke_the_secret', Path('/there/admin.key'))"
    )
    reader, writer = pty.openpty() if terminal else os.pipe()
    subprocess.run([sys.executable, "-c", words], stdout=writer, check=True)
    os.close(writer)
    text = os.read(reader, 4096).decode()
    os.close(reader)

    assert ("ke_the_secret" in text, "/there/admin.key" in text) == (terminal, not terminal)


def test_configured_key_is_long(tmp_path):
    """A key of the configuration has 32 characters or more."""
    config_of(tmp_path, admin_key=secrets.token_hex(16))
    with pytest.raises(ValueError, match="admin_key"):
        config_of(tmp_path, admin_key=secrets.token_hex(16)[:-1])


async def test_a_folder_where_the_key_would_be_is_told(tmp_path):
    """Before a database is made."""
    (tmp_path / "admin.key").mkdir()
    config = load(None, {"CRYPITOR__DATABASE__URL": f"sqlite:///{tmp_path}/new.db"})
    with pytest.raises(ConfigError) as told:
        await refuse_blank(config)

    assert "admin.key is a folder" in told.value.mistakes[0]
    assert "remove it" in told.value.mistakes[0]
    assert not (tmp_path / "new.db").exists()
