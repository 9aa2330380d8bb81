"""The copy of a SQLite database from before its schema changes, for those who want to go back."""

import asyncio
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import structlog

from crypitor.database.copying import Unusable, copy
from crypitor.errors import ConfigError

log = structlog.get_logger(__name__)

KEPT = 2

_MARK = "-schema-"


async def copy_before(database: Path, newest: str) -> None:
    """Copy a database whose schema is about to change, unless it is new or has that schema.

    Raises DatabaseUnavailable, and ConfigError where it is not whole.
    """
    revision = await asyncio.to_thread(revision_of, database)
    if revision in (None, newest):
        return
    target = database.with_name(f"{database.name}{_MARK}{revision}")
    try:
        await asyncio.to_thread(copy, database, target, replaces=True)
    except Unusable as damage:
        mistake = (
            f"database.url: {damage}. Its schema is not changed: restore a copy, or set"
            " database.copy_before_migrating = false to go on without one from before"
        )
        raise ConfigError("the database cannot be copied", [mistake]) from damage
    log.info("copied before the schema changes", copy=str(target), revision=revision)


def revision_of(database: Path) -> str | None:
    """Return the revision of a schema, None where there is none; makes nothing.

    Raises sqlite3.Error.
    """
    if not database.exists():
        return None
    # Without a -wal file nobody has it open, and opening it as usual would leave one behind.
    still = "" if Path(f"{database}-wal").exists() else "&immutable=1"
    place = f"{database.resolve().as_uri()}?mode=ro{still}"
    with closing(sqlite3.connect(place, uri=True)) as reading:
        known = "select 1 from sqlite_master where name = 'alembic_version'"
        if reading.execute(known).fetchone() is None:
            return None
        row = reading.execute("select version_num from alembic_version").fetchone()
        return str(row[0]) if row else None


def copies_of(database: Path) -> list[Path]:
    """Return the copies from before changes of the schema, the newest last."""
    found = []
    for path in database.parent.glob(f"{database.name}{_MARK}*"):
        with suppress(OSError):
            if path.suffix != ".partial":
                found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found)]


def revision_in(copy_: Path) -> str:
    """Return the revision of which a copy was made, by its name."""
    return copy_.name.rpartition(_MARK)[2]


def remove_old_copies(database: Path) -> None:
    """Keep the newest copies; the schema has changed by now."""
    for path in copies_of(database)[:-KEPT]:
        with suppress(OSError):
            path.unlink()
