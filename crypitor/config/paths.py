"""Where the files of a configuration are: beside the file in which they are written.

So every command means the same database, wherever it is started. What the environment says counts
from there too, or from the current folder where there is no file.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from pydantic import SecretStr

from crypitor.config.types import Config

_FILES_OF_QUEUE = ("ssl_ca", "ssl_certificate", "ssl_key")
_FILES_OF_SERVER = ("tls_certificate", "tls_key")
_FILES_OF_POSTGRESQL = {"passfile", "sslcert", "sslcrl", "sslkey", "sslrootcert"}
_SQLITE = "sqlite:///"


def counted_from(config: Config, folder: Path) -> Config:
    """Return a configuration whose relative paths count from a folder.

    They stay as they are written where that is the current one.
    """
    if folder.resolve() == Path.cwd():
        return config
    at = folder.absolute()
    database, queue = config.database, config.queue
    url = SecretStr(_database_url(config, at))
    database = database.model_copy(update={"url": url})
    files = {name: str(at / path) for name in _FILES_OF_QUEUE if (path := getattr(queue, name))}
    queue = queue.model_copy(update=files)
    files = {
        name: str(at / path) for name in _FILES_OF_SERVER if (path := getattr(config.server, name))
    }
    server = config.server.model_copy(update=files)
    webhook = config.webhook
    if webhook.ca:
        webhook = webhook.model_copy(update={"ca": str(at / webhook.ca)})
    backup = config.backup
    if backup.folder:
        backup = backup.model_copy(update={"folder": str(at / backup.folder)})
    return config.model_copy(
        update={
            "folder": at,
            "server": server,
            "database": database,
            "queue": queue,
            "webhook": webhook,
            "backup": backup,
        }
    )


def database_file(config: Config) -> Path | None:
    """Return the SQLite file, None where the database is a server's."""
    url = config.database.url.get_secret_value()
    return Path(unquote(url.removeprefix(_SQLITE))) if config.database.is_sqlite else None


def backup_folder(config: Config) -> Path | None:
    """Return where copies of a SQLite file are kept, None where the database is a server's."""
    path = database_file(config)
    if path is None:
        return None
    return Path(config.backup.folder) if config.backup.folder else path.with_name("backups")


def _database_url(config: Config, at: Path) -> str:
    url, file = config.database.url.get_secret_value(), database_file(config)
    if file is not None:
        return url if file.is_absolute() else f"{_SQLITE}{quote(str(at / file))}"
    options = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    if not _FILES_OF_POSTGRESQL & {name for name, _ in options}:
        return url
    rooted = [
        (name, str(at / value) if name in _FILES_OF_POSTGRESQL and value else value)
        for name, value in options
    ]
    return urlsplit(url)._replace(query=urlencode(rooted)).geturl()


def admin_key_path(config: Config, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the first start keeps the admin key: beside the SQLite file, or in `data`.

    That folder is beside the configuration, or where systemd lets a service keep its state.
    """
    path = database_file(config)
    if path is not None:
        return path.with_name("admin.key")
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return (Path(state) if state else config.folder) / "data/admin.key"


def database_left_behind(config: Config) -> Path | None:
    """Return the file that counts from the current folder, where there is only that one.

    Releases before counted so: who moves on from one looks for it.
    """
    path = database_file(config)
    if path is None or path.exists() or not path.is_relative_to(config.folder):
        return None
    before = Path.cwd() / path.relative_to(config.folder)
    return before if before.is_file() and before != path.absolute() else None
