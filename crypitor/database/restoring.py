"""Puts a copy of a SQLite database into its place, where the old one or the new one is, whole.

The new one is made beside it, brought to the newest schema, and begins a new epoch there. The old
one takes its log into its file, so that nothing beside it could be taken for the new one's, and is
kept under another name. One rename puts the new one there.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from crypitor.database.copying import (
    BUSY_SECONDS,
    Unusable,
    fill,
    locked,
    name,
    outages,
    prove,
    whole,
)
from crypitor.database.engine import Database, Transaction
from crypitor.database.epochs import current_epoch, renew_epoch
from crypitor.database.files import make_folder
from crypitor.database.migrate import migrate, migrations_folder, revisions
from crypitor.errors import CrypitorError, DatabaseUnavailable

TERMS_AHEAD = 1000
"""How often the lead of a network may have been taken since a copy was made."""

_COUNTS = {
    "projects": "select count(*) from projects",
    "monitors": "select count(*) from monitors",
    "addresses": "select count(*) from addresses",
    "endpoints": "select count(*) from endpoints",
    "waiting": "select count(*) from deliveries where status in ('waiting', 'pending')",
}
_TIPS = "select network, max(number) from headers group by network"
_TERMS = "select name, term from networks"
_KEYS = "select id from api_keys where revoked_at is null"

_RAISE_TERM = "update networks set term = :term where name = :name and term < :term"
_RAISE_TERMS = "update networks set term = term + :ahead"


class InUse(CrypitorError):
    """Some process has the database open."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds. tips: network → newest matched block; keys: ids that open the API."""

    counts: Mapping[str, int] = field(default_factory=dict)
    tips: Mapping[str, int] = field(default_factory=dict)
    terms: Mapping[str, int] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done. before: None where the old one could not be read, or there was none.

    revision: of the copy's schema. kept: where the old database is now.
    """

    revision: str
    applied: tuple[str, ...]
    before: Contents | None
    after: Contents
    kept: Path | None


async def restore(
    copy: Path, database: Path, random_bytes: Callable[[int], bytes], now: float | None = None
) -> Restored:
    """Put a copy in the place of a database that nobody uses; the copy stays as it is.

    now: unix seconds, for the name of what was there. Raises Unusable (damaged, of another program,
    of a newer schema), InUse, and DatabaseUnavailable (a full disk).
    """
    _check_copy(copy, database)
    side = database.with_name(f"{database.name}-restoring")
    with outages(side):
        make_folder(database.parent)
    with outages(side), _alone(database) as old, locked(side) as descriptor:
        try:
            fill(copy, side, descriptor, still=True)
            revision = prove(side)
            _check_revision(copy, revision)
            before = contents_of(old) if old is not None else None
            applied = await _renewed(side, before, random_bytes)
            prove(side)
            os.fsync(descriptor)
            with closing(sqlite3.connect(side)) as reading:
                after = contents_of(reading) or Contents()
        except BaseException:
            _remove(side)
            raise
        _belong_as(database, side, database.with_name(f"{database.name}-owner"))
        kept = _keep(database, whole_file=old is not None, now=time.time() if now is None else now)
        name(side, database)
    return Restored(revision, tuple(applied), before, after, kept)


async def begin_epoch(tx: Transaction, random_bytes: Callable[[int], bytes]) -> None:
    """Begin a new time: this database was put back by other means."""
    await renew_epoch(tx, await current_epoch(tx), random_bytes)
    await tx.run(_RAISE_TERMS, ahead=TERMS_AHEAD)


def contents_of(reading: sqlite3.Connection) -> Contents | None:
    """Return what a database holds, None where that cannot be read."""
    try:
        return Contents(
            {what: reading.execute(sql).fetchone()[0] for what, sql in _COUNTS.items()},
            dict(reading.execute(_TIPS).fetchall()),
            dict(reading.execute(_TERMS).fetchall()),
            frozenset(key for (key,) in reading.execute(_KEYS)),
        )
    except sqlite3.Error:
        return None


def _check_copy(copy: Path, database: Path) -> None:
    """Refuse what can be told before anything is done."""
    if not copy.is_file():
        raise Unusable(f"there is no file {copy}")
    if database.exists() and database.samefile(copy):
        raise Unusable(f"{copy} is the database itself")


def _check_revision(copy: Path, revision: str) -> None:
    newest, known = revisions(migrations_folder())
    if revision not in known:
        raise Unusable(
            f"{copy} has the schema {revision} of a newer Crypitor, and this one knows {newest}:"
            " restore it with that one"
        )


@contextmanager
def _alone(database: Path) -> Iterator[sqlite3.Connection | None]:
    """Lock the old database, all of it in its one file; None where it is damaged or not there."""
    if not database.exists() or database.stat().st_size == 0:
        yield None
        return
    try:
        with whole(database):
            _take_log_in(database)
            old = sqlite3.connect(database, isolation_level=None, timeout=BUSY_SECONDS)
    except Unusable:
        yield None
        return
    with closing(old):
        try:
            with whole(database):
                old.execute("begin exclusive")
        except Unusable:
            yield None
            return
        except sqlite3.OperationalError as error:
            raise _in_use(database, error) from error
        yield old


def _take_log_in(database: Path) -> None:
    """Move the log into the file, which only works while nobody else has it open."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=BUSY_SECONDS)) as old:
        try:
            old.execute("pragma locking_mode = exclusive").fetchall()
            old.execute("select 1 from sqlite_master").fetchall()
            old.execute("pragma wal_checkpoint(truncate)").fetchall()
            old.execute("pragma journal_mode = delete").fetchall()
        except sqlite3.OperationalError as error:
            raise _in_use(database, error) from error


def _in_use(database: Path, error: sqlite3.OperationalError) -> Exception:
    if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return InUse(f"{database} is in use: stop what has it open, then restore")
    return DatabaseUnavailable(f"{database}: {error}")


async def _renewed(
    side: Path, before: Contents | None, random_bytes: Callable[[int], bytes]
) -> list[str]:
    """Bring the new database to the newest schema, in a new epoch, all in its one file."""
    url = f"sqlite:///{side}"
    applied = await migrate(url, copies=False)

    async def work(tx: Transaction) -> None:
        await begin_epoch(tx, random_bytes)
        for network, term in (before.terms if before else {}).items():
            await tx.run(_RAISE_TERM, name=network, term=term)

    async with Database.open(url, connections=1) as database:
        await database.write(work)
    with closing(sqlite3.connect(side)) as closed:
        closed.execute("pragma journal_mode = delete").fetchall()
    return applied


def _belong_as(database: Path, *paths: Path) -> None:
    """Give files to whom the database's belongs: an administrator restores for a service."""
    there = database.exists() and database.stat().st_size > 0
    like = database.stat() if there else database.parent.stat()
    if os.geteuid() == 0 and like.st_uid != 0:
        for path in (*paths, *(() if there else (database,))):
            if path.exists():
                os.chown(path, like.st_uid, like.st_gid)


def _keep(database: Path, *, whole_file: bool, now: float) -> Path | None:
    """Give the old database a second name, and take away what lies beside a damaged one."""
    if not database.exists() or database.stat().st_size == 0:
        return None
    for other in database.parent.glob(f"{database.name}-replaced-*"):
        if other.samefile(database):  # of a restore that was cut off just before its end
            other.unlink()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    kept = database.with_name(f"{database.name}-replaced-{stamp}")
    ends = [""] if whole_file else ["", "-wal", "-journal"]
    for end in ends:
        there = database.with_name(database.name + end)
        if there.exists():
            _second_name(there, kept.with_name(kept.name + end))
    for end in ("-wal", "-journal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    return kept


def _second_name(there: Path, kept: Path) -> None:
    kept.unlink(missing_ok=True)
    try:
        kept.hardlink_to(there)
    except OSError:  # a file system without links
        shutil.copyfile(there, kept)
        kept.chmod(0o600)


def _remove(side: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        with suppress(OSError):
            side.with_name(side.name + end).unlink(missing_ok=True)
