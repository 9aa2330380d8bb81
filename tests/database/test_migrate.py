"""Migrations: all or nothing, by one process at a time, and cheap when there is nothing to do."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from crypitor.database.engine import Database
from crypitor.database.migrate import migrate, migrations_folder, pending, revisions
from crypitor.errors import ConfigError, DatabaseUnavailable

FIRST = """
from alembic import op
revision = "0001"
down_revision = None
def upgrade():
    op.execute("create table things (id text primary key, name text not null)")
    op.execute("insert into things (id, name) values ('a', 'kept')")
"""

SECOND = """
import sqlalchemy as sa
from alembic import op
revision = "0002"
down_revision = "0001"
def upgrade():
    op.execute("create table more (id text primary key)")
    with op.batch_alter_table("things") as things:
        things.add_column(sa.Column("size", sa.BigInteger))
        things.alter_column("name", existing_type=sa.Text, nullable=True)
"""

BROKEN = (
    SECOND
    + """
    op.execute("insert into nowhere values (1)")
"""
)

TABLES = {
    "sqlite": "select name from sqlite_master where type = 'table' and name not like 'sqlite%'",
    "postgresql": "select tablename as name from pg_tables where schemaname = 'public'",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Migrations of the test's own, run by the real environment."""
    (tmp_path / "own/versions").mkdir(parents=True)
    (tmp_path / "own/env.py").write_text((migrations_folder() / "env.py").read_text())
    (tmp_path / "own/versions/0001.py").write_text(FIRST)
    return tmp_path / "own"


async def tables(url: str) -> set[str]:
    async with Database.open(url) as database:
        rows = await database.read(lambda tx: tx.all(TABLES[tx.dialect]))
    return {row["name"] for row in rows}


async def test_the_shipped_schema_is_applied_once(empty_database_url):
    """The first start makes it, the next one finds nothing to do."""
    assert await pending(empty_database_url)
    assert await migrate(empty_database_url) == sorted(revisions(migrations_folder())[1])
    assert not await pending(empty_database_url)
    assert await migrate(empty_database_url) == []
    assert {"monitors", "matches", "deliveries"} <= await tables(empty_database_url)


async def test_starts_at_once_migrate_once(empty_database_url, folder):
    """One works, the others wait and find it done."""
    applied = await asyncio.gather(*(migrate(empty_database_url, folder) for _ in range(4)))

    assert sorted(applied) == [[], [], [], ["0001"]]


async def test_a_failed_migration_leaves_nothing(empty_database_url, folder):
    """Not the table that it made before it failed, not a rebuilt one, not its revision."""
    await migrate(empty_database_url, folder)
    (folder / "versions/0002.py").write_text(BROKEN)
    with pytest.raises(Exception, match="nowhere"):
        await migrate(empty_database_url, folder)

    assert await tables(empty_database_url) == {"alembic_version", "things"}
    assert await pending(empty_database_url, folder)

    (folder / "versions/0002.py").write_text(SECOND)

    assert await migrate(empty_database_url, folder) == ["0002"]
    async with Database.open(empty_database_url) as database:
        rows = await database.read(lambda tx: tx.all("select * from things"))
    assert rows == [{"id": "a", "name": "kept", "size": None}]


async def test_a_schema_from_the_future_is_refused(empty_database_url, folder):
    """An older program would misread it."""
    (folder / "versions/0002.py").write_text(SECOND)
    await migrate(empty_database_url, folder)
    (folder / "versions/0002.py").unlink()

    with pytest.raises(ConfigError, match="newer Crypitor"):
        await migrate(empty_database_url, folder)


async def test_looking_makes_nothing(tmp_path):
    """`crypitor check` must not create the folder or the file."""
    assert await pending(f"sqlite:///{tmp_path}/folder/crypitor.db")
    assert list(tmp_path.iterdir()) == []


async def test_looking_leaves_no_file_beside(migrated_sqlite):
    """Opening a WAL database for reading would leave its -shm and -wal behind."""
    before = sorted(migrated_sqlite.parent.iterdir())

    assert not await pending(f"sqlite:///{migrated_sqlite}")
    assert sorted(migrated_sqlite.parent.iterdir()) == before


async def test_looking_sees_what_is_only_in_the_wal(tmp_path, folder):
    """The file alone is older than the database while somebody has it open."""
    url = f"sqlite:///{tmp_path}/crypitor.db"
    async with Database.open(url) as database:
        await migrate(url, folder)
        await database.read(lambda tx: tx.value("select 1"))

        assert not await pending(url, folder)


async def test_a_place_that_cannot_be_opened_is_an_outage(tmp_path):
    """The disk may be mounted a moment later."""
    (tmp_path / "file").touch()

    with pytest.raises(DatabaseUnavailable):
        await migrate(f"sqlite:///{tmp_path}/file/crypitor.db")


def test_alembic_is_not_imported_when_there_is_nothing_to_do(migrated_sqlite):
    """It costs a third of a second at every start."""
    program = (
        "import asyncio, sys; from crypitor.database.migrate import migrate;"
        f"asyncio.run(migrate('sqlite:///{migrated_sqlite}')); print('alembic' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (said.stdout, said.stderr) == ("False\n", "")
