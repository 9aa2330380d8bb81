"""What commands begin with: the configuration, and the database."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from crypitor.cli.saying import say
from crypitor.errors import CrypitorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from crypitor.config import Config
    from crypitor.database.engine import Database, Transaction

T = TypeVar("T")

DEFAULT_CONFIG = Path("config.toml")

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="CRYPITOR_CONFIG",
        help="The configuration.",
        show_default="config.toml, where there is one",
    ),
]


def load(path: Path | None) -> "Config":
    """Read the configuration and begin to log as it says."""
    from crypitor.runtime.log import setup

    config = read(path)
    setup(config.log.level, config.log.format)
    return config


def read(path: Path | None) -> "Config":
    """Read the configuration: of this file, or of config.toml, where there is one."""
    from crypitor.config import load as read_file

    return read_file(path_of(path))


def path_of(path: Path | None) -> Path | None:
    """Return the file that is read: this one, or config.toml, where there is one."""
    return DEFAULT_CONFIG if path is None and DEFAULT_CONFIG.exists() else path


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for garbage once, after what is imported meanwhile, and not often within it.

    That takes a fifth of the time. What is garbage by then would stay for ever: 2 MB.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def in_database(config: "Config", work: "Callable[[Transaction], Awaitable[T]]") -> T:
    """Do one unit of work in the configured database; see `with_database`."""
    return with_database(config, lambda database: database.write(work))


def with_database(config: "Config", work: "Callable[[Database], Awaitable[T]]") -> T:
    """Do something with the configured database, its schema up to date.

    Raises what ends a command where there is none: only `run`, `demo` and `migrate` make one.
    """
    from crypitor.config.paths import database_left_behind
    from crypitor.database.engine import Database
    from crypitor.database.migrate import is_there, pending
    from crypitor.database.migrate import migrate as apply
    from crypitor.database.mistakes import mistakes_of

    url = config.database.url.get_secret_value()

    async def opened() -> T:
        if not await is_there(url):
            raise failure(no_database(Database.name_of(url), database_left_behind(config)))
        if config.database.migrate:
            await apply(url, copies=config.database.copy_before_migrating)
        elif await pending(url):
            raise failure("the schema is not the newest; run `crypitor migrate`")
        async with Database.open(url, connections=1) as database:
            return await work(database)

    with mistakes_of(url):
        return asyncio.run(opened())


def no_database(name: str, before: Path | None) -> str:
    """Return the sentence where a command needs a database that is not there.

    before: where a release would have looked that counted paths from the current folder.
    """
    sentence = (
        f"there is no database at {name}, nothing has been matched yet; `crypitor run` or"
        " `crypitor migrate` makes one, and database.url in the configuration, or --config, says"
        " where it is"
    )
    if before is None:
        return sentence
    return f"{sentence}. There is one at {before}: relative paths count from the configuration file"


def refuse_a_lost_database(config: "Config") -> None:
    """Raise ConfigError for a file that is not there beside the key of one that was.

    Before anything is made: even to hold a file makes it. The service itself looks closer.
    """
    from crypitor.config.paths import admin_key_path, database_file

    path = database_file(config)
    if path is not None and not path.exists() and admin_key_path(config).exists():
        from crypitor.process.first_start import lost

        raise lost(config)


def is_first_start(config: "Config") -> bool:
    """Whether neither a database's file nor a key of one is there yet."""
    from crypitor.config.paths import admin_key_path, database_file

    path = database_file(config)
    return (path is None or not path.exists()) and not admin_key_path(config).exists()


def warn_of_a_new_database(config: "Config") -> None:
    """Tell who would make a second database by mistake: an earlier release looked elsewhere."""
    from crypitor.config.paths import database_file, database_left_behind

    before = database_left_behind(config)
    if before is not None:
        say(
            f"crypitor: a new database is made at {database_file(config)}. There is one at"
            f" {before}: relative paths count from the configuration file, not from the current"
            " folder. To go on with that one, write its absolute path into database.url",
            err=True,
        )


def failure(sentence: str) -> CrypitorError:
    """Return what ends a command with exit status 1 and this sentence."""
    return CrypitorError(sentence)
