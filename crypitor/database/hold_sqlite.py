"""Holds a SQLite file by locks of the operating system, which end with the process.

On Linux they are open-file-description locks on the database file itself, far behind all that it
can have: of the file, whatever name or link led to it, and in nobody's way (SQLite's own are of
other bytes). Elsewhere they are on the file beside it, `…-owner`, in which each holder says who it
is: that is for people, and what it says counts only while its place is locked.

Closing any descriptor of a database file takes SQLite's own locks from this process. So this one is
opened before all others and closed after them.
"""

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import struct
import sys
import time
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from crypitor.database.hold import UNKNOWN, Holder, Part, taken
from crypitor.database.mistakes import NOT_ALLOWED, closed
from crypitor.errors import ConfigError, DatabaseUnavailable, Displaced

FIRST_BYTE = 1 << 62
"""A SQLite file ends before 2**48."""

FIRST_PLACE = 16
PLACES = 64
"""So many processes at a time, behind the bytes of the parts."""

RECORD_BYTES = 512
POLL_SECONDS = 0.05

TAKE_SECONDS = 0.25
"""How long what somebody holds is waited for; of a process that has ended there is nothing."""

_HELD = (errno.EAGAIN, errno.EACCES)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_WRONG = (
    errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EEXIST,
)  # fmt: skip


class SqliteHold:
    """What this process holds of one file. path: need not be there yet, nor its folder."""

    def __init__(self, path: Path, holder: Holder) -> None:
        self.holder = holder
        self.lost = asyncio.Event()  # never: the file is this process's own
        self._path = path
        self._name = f"SQLite {path}"
        self._held: _Files | None = None
        self._before: list[_Files] = []

    async def take(self) -> None:
        """Take all parts, or none."""
        await asyncio.to_thread(self.take_early)

    def take_early(self) -> None:
        """Take all parts, or none; makes the file. What is held already stays so."""
        if self._held is None:
            self._held = self._taken(TAKE_SECONDS)

    async def keep(self) -> None:
        """Make sure of the file that is at the path now: it may have been replaced."""
        if self._held is None or self._held.are_of(self._path):
            return
        try:
            anew = await asyncio.to_thread(self._taken, 0.0)
        except ConfigError as refused:
            raise Displaced("; ".join(refused.mistakes)) from refused
        self._before.append(self._held)  # not closed: SQLite may still have that file open
        self._held = anew

    async def others(self) -> Collection[Holder] | None:
        """Return who else holds something; None while one of them cannot be read."""
        if self._held is None:
            return None
        found = self._held.others()
        return None if UNKNOWN in found else found

    async def release(self) -> None:
        """Let it go; call it when nothing of this process has the file open."""
        for files in (self._held, *self._before):
            if files is not None:
                files.close()
        self._held, self._before = None, []

    def _taken(self, seconds: float) -> "_Files":
        until = time.monotonic() + seconds
        while True:
            files = _opened(self._path, make=True)
            try:
                if files.take(self.holder):
                    return files
                others = files.others()
            except BaseException:
                files.close()
                raise
            files.close()
            if time.monotonic() >= until:
                raise taken(self._name, self.holder.parts, others)
            time.sleep(POLL_SECONDS)


def holders_of(path: Path) -> list[Holder]:
    """Return who holds a file; looks only. Call it while this process does not have it open."""
    if not path.is_file():
        return []
    files = _opened(path, make=False)
    try:
        return files.others()
    finally:
        files.close()


class _Files:
    """The descriptors of one database file and of what is written beside it."""

    def __init__(self, path: Path, database: int, beside: int) -> None:
        self._path = path
        self._database = database
        self._beside = beside
        self._place: int | None = None

    def take(self, holder: Holder) -> bool:
        """Lock all parts and a place; False, with none of them for long, if somebody has one."""
        for part, alone in sorted(holder.parts.items()):
            if not self._lock(part, fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
                return False
        free = (place for place in range(PLACES) if self._lock(FIRST_PLACE + place, fcntl.LOCK_EX))
        self._place = next(free, None)
        if self._place is None:
            raise DatabaseUnavailable(f"SQLite {self._path}: {PLACES} processes have it already")
        self._write(json.dumps(asdict(holder)))
        return True

    def others(self) -> list[Holder]:
        """Return those of the other places that are locked."""
        return [
            self._read(place)
            for place in range(PLACES)
            if place != self._place and not self._is_free(FIRST_PLACE + place)
        ]

    def are_of(self, path: Path) -> bool:
        """Whether the path still leads to this file, or to none."""
        try:
            there = path.stat()
        except OSError:
            return True
        return os.path.samestat(there, os.fstat(self._database))

    def close(self) -> None:
        """Unlock everything."""
        if self._place is not None:
            self._write("")
        os.close(self._database)
        os.close(self._beside)

    def _is_free(self, byte: int) -> bool:
        if not self._lock(byte, fcntl.LOCK_EX):
            return False
        self._lock(byte, fcntl.LOCK_UN)
        return True

    def _lock(self, byte: int, kind: int) -> bool:
        try:
            if sys.platform == "linux":
                kinds = {
                    fcntl.LOCK_EX: fcntl.F_WRLCK,
                    fcntl.LOCK_SH: fcntl.F_RDLCK,
                    fcntl.LOCK_UN: fcntl.F_UNLCK,
                }
                # struct flock of fcntl(2): type, whence, start, length, process
                wanted = struct.pack("hhqqi0q", kinds[kind], os.SEEK_SET, FIRST_BYTE + byte, 1, 0)
                fcntl.fcntl(self._database, fcntl.F_OFD_SETLK, wanted)
            else:
                fcntl.lockf(self._beside, kind | fcntl.LOCK_NB, 1, FIRST_BYTE + byte)
        except OSError as error:
            if error.errno in _HELD:
                return False
            raise _told(self._path, error) from error
        return True

    def _write(self, text: str) -> None:
        assert self._place is not None
        record = text.encode()[:RECORD_BYTES].ljust(RECORD_BYTES)
        with contextlib.suppress(OSError):  # a full disk: the lock holds without it
            os.pwrite(self._beside, record, self._place * RECORD_BYTES)

    def _read(self, place: int) -> Holder:
        try:
            told = json.loads(os.pread(self._beside, RECORD_BYTES, place * RECORD_BYTES))
            parts = {Part(int(part)): bool(alone) for part, alone in told.pop("parts").items()}
            return Holder(**told, parts=parts)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return UNKNOWN


def _opened(path: Path, *, make: bool) -> _Files:
    make_it = os.O_CREAT if make else 0
    with contextlib.ExitStack() as trial:
        try:
            if make:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            database = os.open(path, os.O_RDWR | make_it, 0o600)
            trial.callback(os.close, database)
            real = path.resolve()
            told = real.with_name(f"{real.name}-owner")
            where = told if make or told.exists() else Path(os.devnull)
            beside = os.open(where, os.O_RDWR | make_it, 0o600)
        except OSError as error:
            raise _told(path, error) from error
        trial.pop_all()
        return _Files(path, database, beside)
    raise AssertionError("an exit stack swallows nothing")


def _told(path: Path, error: OSError) -> Exception:
    """Return what an operating system's refusal means to us."""
    trouble = f"{path}: {error.strerror}"
    if os.path.isdir(path):  # noqa: PTH112 - a Path raises where the name is too long
        mistake = f"database.url: {path} is a folder; name a file in it"
        return ConfigError("the database cannot be used", [mistake])
    if error.errno in NOT_ALLOWED:
        return ConfigError("the database cannot be used", [f"database.url: {closed(path)}"])
    if error.errno in _WRONG:
        mistake = f"database.url: {trouble}; name a file that this user can read and write"
        return ConfigError("the database cannot be used", [mistake])
    if error.errno in _NO_LOCKS:
        mistake = (
            f"database.url: {trouble}: this file system has no locks, which SQLite needs; put the"
            " file on a local disk, or take PostgreSQL"
        )
        return ConfigError("the database cannot be used", [mistake])
    return DatabaseUnavailable(f"SQLite {path}: {error.strerror}")
