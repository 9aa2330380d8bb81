"""Brings a database to the newest schema, in one transaction: all of it or nothing.

alembic and SQLAlchemy are imported only when there is something to apply, because that costs a
third of a second at every start. `apart` does it in a process of its own.
"""

import asyncio
import re
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from crypitor.database.before import (
    copies_of,
    copy_before,
    remove_old_copies,
    revision_in,
    revision_of,
)
from crypitor.database.engine import driver_of
from crypitor.database.mistakes import mistakes_of
from crypitor.database.sqlite import SQLite, path_of
from crypitor.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.ext.asyncio import AsyncEngine

# Any number will do, as long as nobody else in the database takes the same.
_ADVISORY_LOCK = 0x43525950

# How long to wait for another process that migrates the same SQLite file.
LOCK_SECONDS = 60

_REVISION = re.compile(r'^revision\s*=\s*"([^"]+)"', re.MULTILINE)
_DOWN_REVISION = re.compile(r'^down_revision\s*=\s*"([^"]+)"', re.MULTILINE)


def migrations_folder() -> Path:
    """Return where the migrations lie: beside the package in a checkout, within it in a wheel."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_migrations"
    return installed if installed.exists() else package.parent / "migrations"


def revisions(folder: Path) -> tuple[str, set[str]]:
    """Return the newest revision and all revisions, read without importing alembic."""
    texts = [path.read_text() for path in (folder / "versions").glob("*.py")]
    known: set[str] = {revision for text in texts for revision in _REVISION.findall(text)}
    followed: set[str] = {revision for text in texts for revision in _DOWN_REVISION.findall(text)}
    (newest,) = known - followed
    return newest, known


async def pending(url: str, folder: Path | None = None) -> bool:
    """Say whether `migrate` has something to do; looks only, and makes neither folder nor file.

    Raises DatabaseUnavailable, and ConfigError for a schema from the future.
    """
    newest, known = revisions(folder or migrations_folder())
    current = await _revision(url)
    if current not in {None, *known}:
        raise ConfigError("database", [f"database.url: {_way_back(url, current, known)}"])
    return current != newest


async def is_there(url: str) -> bool:
    """Say whether a database with a schema of ours is there; looks only. Raises as `pending`."""
    return await _revision(url) is not None


async def migrate(url: str, folder: Path | None = None, *, copies: bool = True) -> list[str]:
    """Apply what is missing; return the revisions that were applied, oldest first.

    copies: a SQLite file is copied before it changes, for those who want to go back. Several
    processes may do so at once: one works, the others wait and find nothing to do.
    Raises DatabaseUnavailable and ConfigError.
    """
    folder = folder or migrations_folder()
    if not await pending(url, folder):
        return []
    driver = driver_of(url, 1)
    with mistakes_of(url):
        await driver.connect()  # makes the folder, switches to WAL, and tells an outage as such
        await driver.disconnect()
    with mistakes_of(url), driver.outages(writes=True):
        applied = await _upgraded(url, folder, copies=copies)
    if applied and url.startswith("sqlite"):
        await asyncio.to_thread(remove_old_copies, path_of(url))
    return applied


async def _upgraded(url: str, folder: Path, *, copies: bool) -> list[str]:
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    engine = _engine(url)
    applied: list[str] = []
    try:
        async with engine.begin() as connection:
            if copies and url.startswith("sqlite"):
                # Whoever else migrates waits for this transaction; readers, as the copy is, do not.
                await copy_before(path_of(url), revisions(folder)[0])
            await connection.run_sync(_upgrade, folder, applied)
    except DBAPIError as error:
        raise _drivers_own(error) from error
    finally:
        await engine.dispose()
    return applied


def _drivers_own(error: "DBAPIError") -> BaseException:
    """Return what sqlite3 or asyncpg raised, out of what SQLAlchemy made of it."""
    if isinstance(error.orig, sqlite3.Error):
        return error.orig
    return (error.orig and error.orig.__cause__) or error


def _upgrade(connection: "Connection", folder: Path, applied: list[str]) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import text  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        lock = text("select pg_advisory_xact_lock(:lock)")
        connection.execute(lock, {"lock": _ADVISORY_LOCK})
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["applied"] = applied
    command.upgrade(config, "head")


def _engine(url: str) -> "AsyncEngine":
    from sqlalchemy import event  # noqa: PLC0415
    from sqlalchemy.engine.url import make_url  # noqa: PLC0415
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    if not url.startswith("sqlite"):
        from crypitor.database.postgresql import connect_once  # noqa: PLC0415

        place = make_url("postgresql+asyncpg://")
        pooled: AsyncEngine = create_async_engine(
            place,
            poolclass=NullPool,
            creator=lambda: pooled.sync_engine.dialect.loaded_dbapi.connect(
                async_creator_fn=lambda: connect_once(url, statement_seconds=None),
                # A pooler's session may have a statement of that name already.
                prepared_statement_name_func=lambda: f"crypitor_{uuid4().hex}",
            ),
        )
        return pooled
    place = make_url("sqlite+aiosqlite://").set(database=str(path_of(url)))
    engine = create_async_engine(place, poolclass=NullPool, connect_args={"timeout": LOCK_SECONDS})

    # The sqlite3 module would commit before each `create table`; so it is told to keep its hands
    # off, and the transaction is begun here.
    @event.listens_for(engine.sync_engine, "connect")
    def _connect(driver_connection: sqlite3.Connection, _record: object) -> None:
        driver_connection.isolation_level = None

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: "Connection") -> None:
        connection.exec_driver_sql("begin exclusive")

    return engine


def _way_back(url: str, current: str | None, known: set[str]) -> str:
    """Return why an older program refuses a database, and how to go on or back."""
    refused = (
        f"a newer Crypitor has brought this database to the schema {current}, which this one does"
        " not know: run that one"
    )
    if not url.startswith("sqlite"):
        return f"{refused}, or put back a dump from before"
    copies = [path for path in copies_of(path_of(url)) if revision_in(path) in known]
    if not copies:
        return f"{refused}, or put back a copy from before: crypitor restore FILE"
    return f"{refused}, or put back the copy from before: crypitor restore {copies[-1]}"


async def _revision(url: str) -> str | None:
    look = _sqlite_revision if url.startswith("sqlite") else _postgresql_revision
    with mistakes_of(url):
        return await look(url)


async def _sqlite_revision(url: str) -> str | None:
    with SQLite(url, 1).outages(writes=False):
        return await asyncio.to_thread(revision_of, path_of(url))


async def _postgresql_revision(url: str) -> str | None:
    import asyncpg  # noqa: PLC0415 - with it come 3 MB that SQLite does without

    from crypitor.database.postgresql import (  # noqa: PLC0415
        CONNECT_SECONDS,
        PostgreSQL,
        connect_once,
    )

    driver = PostgreSQL(url, 1)
    with driver.outages(writes=False):
        connection = await connect_once(url)
        try:
            with suppress(asyncpg.UndefinedTableError):
                async with connection.transaction():
                    revision: str | None = await connection.fetchval(
                        "select version_num from alembic_version"
                    )
                return revision
            return None
        finally:
            await connection.close(timeout=CONNECT_SECONDS)
