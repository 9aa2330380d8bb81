"""Which failures to open a database no waiting mends: somebody has to change something first.

Only a start asks this. What could be opened once is waited for, whatever is said later: a password
that is being changed, a server that is being set up anew.
"""

import errno
import os
import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crypitor.database.sqlite import path_of
from crypitor.errors import ConfigError, DatabaseUnavailable

_CORRUPT, _NOT_A_DATABASE = 11, 26
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)

# SQLSTATE → what to do. PostgreSQL's own sentence stands before it.
_STATES = {
    "28P01": "correct user and password",
    "28000": "let this user in (pg_hba.conf), or name another",
    "3D000": "create this database (createdb), or name another",
    "3F000": "create the schema of search_path, or name another",
    "42501": "grant this to the user (all on schema public, at least), or name another",
    "42704": "leave this parameter out of the URL",
    "22023": "correct this parameter of the URL",
    "55P02": "leave this parameter out of the URL",
}
# PgBouncer says 08P01 to everything (1.18 does), or hangs up; these are its words for what stays as
# it is, and the server's that it hands on.
_CONNECTION = "08"
_POOLER = (
    "unsupported startup parameter", "password authentication failed", "SASL authentication failed",
    "no such database", "no such user", "does not exist", "transaction blocks not allowed",
)  # fmt: skip


@contextmanager
def mistakes_of(url: str) -> Iterator[None]:
    """Turn what the configuration is to blame for into ConfigError; outages pass."""
    try:
        with _refusals(url):
            yield
    except DatabaseUnavailable as outage:
        sentence = _sentence(url, outage.__cause__ or outage)
        if sentence is None:
            raise
        raise _mistake(sentence) from outage


@contextmanager
def _refusals(url: str) -> Iterator[None]:
    """Do the same with the driver's own errors."""
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    if not url.startswith("sqlite"):
        import asyncpg  # noqa: PLC0415 - 3 MB that only this database needs

        errors = (asyncpg.PostgresError, asyncpg.InterfaceError)
    try:
        yield
    except errors as error:
        sentence = _sentence(url, error)
        if sentence is None:
            raise
        raise _mistake(sentence) from error


def _mistake(sentence: str) -> ConfigError:
    return ConfigError("the database cannot be used", [f"database.url: {sentence}"])


def _sentence(url: str, error: BaseException) -> str | None:
    if url.startswith("sqlite"):
        return _of_sqlite(path_of(url), error)
    return _of_postgresql(error)


def _of_sqlite(path: Path, error: BaseException) -> str | None:
    """Return what is wrong with a file, None where it may be well later."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == _NOT_A_DATABASE:
        return f"{path} is another kind of file, no SQLite database; name another"
    if code == _CORRUPT:
        return f"{path} is damaged ({error}); restore a copy (without the files -wal and -shm)"
    if path.is_dir():
        return f"{path} is a folder; name a file in it"
    if isinstance(error, NotADirectoryError | FileExistsError):
        return None  # what is no folder may become one: a disk that is mounted a moment later
    if (isinstance(error, OSError) and error.errno in NOT_ALLOWED) or _is_closed(path):
        return closed(path)
    return None


def closed(path: Path) -> str:
    """Return why this process cannot write a file or make it, and what to do."""
    if _is_read_only(_nearest(path)):
        return f"{path} is on a file system that is mounted read-only: mount it for writing"
    return (
        f"this process ({_who()}) may not read and write {path}, or not make files in"
        f" {_nearest(path)}: give it both (chown), or name another place"
    )


def _nearest(path: Path) -> Path:
    """Return the folder of a file, or where that is to be made."""
    return next((one for one in path.parents if one.exists()), path.parent)


def _is_read_only(folder: Path) -> bool:
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except (AttributeError, OSError):  # not there on every platform
        return False


def _is_closed(path: Path) -> bool:
    """Whether this process cannot write here, whatever the error says."""
    if path.exists():
        return not os.access(path, os.R_OK | os.W_OK) or not os.access(path.parent, os.W_OK)
    return not os.access(_nearest(path), os.W_OK | os.X_OK)


def _who() -> str:
    return f"user {os.geteuid()}" if hasattr(os, "geteuid") else "its user"


def _of_postgresql(error: BaseException) -> str | None:
    """Return what a server refuses for good, None where it may not later."""
    import asyncpg  # noqa: PLC0415

    if isinstance(error, asyncpg.PostgresError):
        return _refusal(error.sqlstate or "", str(error))
    if isinstance(error, asyncpg.ClientConfigurationError):
        return f"cannot be read: {error}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is refused ({error.verify_message}); see sslrootcert"
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return "the server speaks no TLS: set it up, or write sslmode=disable into the URL"
    return None


def _refusal(state: str, words: str) -> str | None:
    if state in _STATES:
        return f"{words}; {_STATES[state]}"
    if state.startswith(_CONNECTION) and any(known in words for known in _POOLER):
        return f"{words}, says the pooler"
    return None
