"""Copies of a SQLite database, also while it is in use: whole and proven before they have a name.

A copy is filled as `NAME.partial`, which is locked meanwhile, looked through, put on the disk, and
only then renamed. So what has the name is whole, whenever the process or the machine ends, and what
is left of a copy that was cut off is written over by the next one.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from crypitor.database.files import FILE_MODE, make_folder
from crypitor.errors import CrypitorError, DatabaseUnavailable

STEP_PAGES = 256
"""Between two looks at whether it should stop: a megabyte."""

SYNC_STEPS = 16
"""Put on the disk meanwhile, so that no block waits for all of it at the end."""

BUSY_SECONDS = 5.0
ROOM_BYTES = 16 << 20
"""That has to stay free on the disk beside a copy."""

_NOT_WHOLE = (11, 26)
_LOOK_AFTER = 100_000
"""Instructions of SQLite: some milliseconds."""


class Unusable(CrypitorError):
    """A file is no whole database of ours, or stands where a new one should be."""


class Stopped(CrypitorError):
    """The process ends; the copy was not finished and has no name."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that was proven. revision: of its schema; size: in bytes."""

    revision: str
    size: int


def never() -> bool:
    """Do not stop."""
    return False


def copy(
    source: Path,
    target: Path,
    stopped: Callable[[], bool] = never,
    *,
    replaces: bool = False,
) -> Copied:
    """Copy a database as it is at one moment; whoever uses it goes on meanwhile.

    Its folder is made. replaces: what has the name already. Raises Unusable where something has it,
    or the source is not whole, Stopped, and DatabaseUnavailable (a full disk, a copy to the same
    place that is under way).
    """
    if not source.is_file():
        raise Unusable(f"there is no database at {source}")
    if not replaces and os.path.lexists(target):
        raise Unusable(f"{target} exists already: name another file, or remove it")
    with outages(target):
        make_folder(target.parent)
        partial = target.with_name(f"{target.name}.partial")
        with locked(partial) as descriptor:
            try:
                _check_room(source, target)
                fill(source, partial, descriptor, stopped)
                revision = prove(partial, stopped)
                os.fsync(descriptor)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
            name(partial, target)
            return Copied(revision, target.stat().st_size)


@contextmanager
def locked(partial: Path) -> Iterator[int]:
    """Give a descriptor of an empty file that nobody else fills at the same time."""
    for _ in range(100):
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DatabaseUnavailable(f"{partial}: another copy is under way") from None
            # Somebody may have finished and renamed it between the two calls.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), partial.stat()):
                    os.ftruncate(descriptor, 0)
                    for end in ("-wal", "-shm", "-journal"):
                        partial.with_name(partial.name + end).unlink(missing_ok=True)
                    yield descriptor
                    return
        finally:
            os.close(descriptor)
    raise DatabaseUnavailable(f"{partial}: is made and taken away again and again")


def fill(
    source: Path,
    partial: Path,
    descriptor: int,
    stopped: Callable[[], bool] = never,
    *,
    still: bool = False,
) -> None:
    """Copy page by page into an empty file, as one reader saw it when this began.

    still: nobody uses the source; without a log it is only looked at. Raises Unusable, Stopped,
    sqlite3.Error and OSError.
    """
    steps = 0

    def look(_status: int, _remaining: int, _total: int) -> None:
        nonlocal steps
        steps += 1
        if steps % SYNC_STEPS == 0:
            os.fsync(descriptor)
        if stopped():
            raise Stopped(f"{partial}: stopped")

    with whole(source), closing(_reading(source, still=still)) as reading:
        # A snapshot that is held: a copy would begin anew with each commit of another connection.
        reading.execute("begin")
        reading.execute("select 1 from sqlite_master").fetchall()
        with closing(sqlite3.connect(partial, isolation_level=None)) as writing:
            writing.execute("pragma synchronous = off")
            writing.execute("pragma journal_mode = off").fetchall()
            reading.backup(writing, pages=STEP_PAGES, progress=look)
            writing.execute("pragma journal_mode = delete").fetchall()  # one file, without a log


def prove(path: Path, stopped: Callable[[], bool] = never) -> str:
    """Look through all of a database that nobody uses; return the revision of its schema.

    Raises Unusable where it is not whole or not ours, and Stopped.
    """
    with whole(path), closing(_reading(path, still=True)) as reading:
        reading.set_progress_handler(lambda: int(stopped()), _LOOK_AFTER)
        try:
            (found,) = reading.execute("pragma integrity_check(1)").fetchone()
            if found != "ok":
                raise Unusable(f"{path} is damaged: {found}")
            if reading.execute("pragma foreign_key_check").fetchone() is not None:
                raise Unusable(f"{path} is damaged: a row refers to one that is not there")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_INTERRUPT:
                raise Stopped(f"{path}: stopped") from error
            raise
        return _revision(reading, path)


def name(partial: Path, target: Path) -> None:
    """Give a file its name, for good: also after the power was cut."""
    partial.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Let the names in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def outages(path: Path) -> Iterator[None]:
    """Turn what may be over later into DatabaseUnavailable. path: what was being written."""
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseUnavailable(f"{path}: {error}") from error
    except OSError as error:
        raise DatabaseUnavailable(f"{path}: {error.strerror or error}") from error


@contextmanager
def whole(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a damaged file, or of none of its files, into Unusable."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _NOT_WHOLE:
            raise
        raise Unusable(f"{path} is damaged, or no database: {error}") from error


def _reading(path: Path, *, still: bool) -> sqlite3.Connection:
    # Without a log beside it no process has it open; opening it as usual would leave one behind.
    alone = still and not Path(f"{path}-wal").exists()
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={'ro&immutable=1' if alone else 'rw'}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )


def _revision(reading: sqlite3.Connection, path: Path) -> str:
    known = "select 1 from sqlite_master where name = 'alembic_version'"
    row = (
        reading.execute(known).fetchone()
        and reading.execute("select version_num from alembic_version").fetchone()
    )
    if row is None:
        raise Unusable(f"{path} is a SQLite database of another program")
    return str(row[0])


def _check_room(source: Path, target: Path) -> None:
    log = Path(f"{source}-wal")
    size = source.stat().st_size + (log.stat().st_size if log.exists() else 0)
    free = shutil.disk_usage(target.parent).free
    if free < size + ROOM_BYTES:
        raise DatabaseUnavailable(
            f"{target}: the disk has {free >> 20} MB free, and a copy needs"
            f" {(size + ROOM_BYTES) >> 20} MB"
        )
