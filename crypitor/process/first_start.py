"""The first start: an empty database gets a project and an admin key.

The key lies in `admin.key` beside the database. An empty database beside such a file is hardly new:
its file was moved, its disk is not there, or its name is mistyped. So it is refused, unless
somebody says that it is new; and the key of before is never removed.
"""

import os
import secrets
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from crypitor.config import Config
from crypitor.config.paths import admin_key_path
from crypitor.database.engine import Database, Transaction
from crypitor.database.files import make_folder
from crypitor.database.keys import ensure_admin, find_caller, operators_project
from crypitor.database.migrate import is_there
from crypitor.database.sqlite import path_of
from crypitor.errors import ConfigError
from crypitor.runtime.loop import clock


async def refuse_blank(config: Config, *, new: bool = False) -> None:
    """Raise ConfigError for a database without any schema where a key says that there was one.

    Looks only, before anything is made. new: somebody says that it is meant to be new.
    """
    key = admin_key_path(config)
    if key.is_dir():
        mistake = f"api.admin_key: {key} is a folder, but is to be the file with the key; remove it"
        raise ConfigError("nobody could be let in", [mistake])
    blank = not new and key.exists()
    if blank and not await is_there(config.database.url.get_secret_value()):
        raise lost(config)


async def let_somebody_in(database: Database, config: Config, *, new: bool = False) -> str | None:
    """Make project and admin key of an empty database; return the key, None where none was made.

    The key is in a file before it is committed, and at its place once it is: whenever the process
    ends, the next start goes on with what it finds. Raises ConfigError as `refuse_blank` does.
    """
    configured = config.api.admin_key
    path, pending = admin_key_path(config), _pending(config)

    async def unit(tx: Transaction) -> str | None:
        if not new and path.exists() and await operators_project(tx) is None:
            raise lost(config)
        secret = await ensure_admin(
            tx, configured.get_secret_value() if configured else None, clock(), secrets.token_bytes
        )
        if secret is not None:
            try:
                _write(pending, secret)
            except OSError as error:
                mistake = (
                    f"api.admin_key: the key that the first start makes cannot be kept in {path}:"
                    f" {error.strerror}; let this user write there, or set CRYPITOR__API__ADMIN_KEY"
                )
                raise ConfigError("nobody could be let in", [mistake]) from error
        return secret

    made = await database.write(unit)
    if pending.exists():
        text = pending.read_text(encoding="utf-8").strip()
        if await database.read(lambda tx: find_caller(tx, text, clock())) is not None:
            _put(pending, path)
    return made


def lost(config: Config) -> ConfigError:
    """Return what is told where the database seems to be lost."""
    mistake = (
        f"database.url: this database is empty, but {admin_key_path(config)} is the key of one that"
        " was not: was its file moved or its name mistyped? If it is to be a new one, start once"
        " with: crypitor run --new"
    )
    return ConfigError("the database cannot be used", [mistake])


def _pending(config: Config) -> Path:
    """Return where the key waits for its commit; each database has its own place."""
    url, path = config.database.url.get_secret_value(), admin_key_path(config)
    name = path_of(url).name if url.startswith("sqlite") else urlsplit(url).path.strip("/")
    return path.with_name(f"{path.name}.{name.replace('/', '_')}.new")


def _write(path: Path, secret: str) -> None:
    make_folder(path.parent)
    path.unlink(missing_ok=True)  # of a start that was cut off before its commit
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{secret}\n")
        file.flush()
        os.fsync(file.fileno())


def _put(pending: Path, path: Path) -> None:
    """Move a key to its place; what lies there stays beside it, under a number."""
    if path.exists():
        path.rename(next(old for n in count(1) if not (old := Path(f"{path}.{n}")).exists()))
    pending.replace(path)
