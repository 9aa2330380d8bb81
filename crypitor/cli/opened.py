"""What commands begin with: the configuration, and the database."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from crypitor.errors import CrypitorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from crypitor.config import Config
    from crypitor.database.engine import Transaction

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
    from crypitor.config import load as read
    from crypitor.runtime.log import setup

    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    config = read(path)
    setup(config.log.level, config.log.format)
    return config


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage in what is imported meanwhile: it stays, and that takes a fifth."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def in_database(config: "Config", work: "Callable[[Transaction], Awaitable[T]]") -> T:
    """Do one unit of work in the configured database, with its schema up to date."""
    from crypitor.database.engine import Database
    from crypitor.database.migrate import migrate as apply
    from crypitor.database.migrate import pending
    from crypitor.database.mistakes import mistakes_of
    from crypitor.process.first_start import refuse_blank

    url = config.database.url.get_secret_value()

    async def unit() -> T:
        await refuse_blank(config)
        if config.database.migrate:
            await apply(url)
        elif await pending(url):
            raise failure("the schema is not the newest; run `crypitor migrate`")
        async with Database.open(url, connections=1) as database:
            return await database.write(work)

    with mistakes_of(url):
        return asyncio.run(unit())


def failure(sentence: str) -> CrypitorError:
    """Return what ends a command with exit status 1 and this sentence."""
    return CrypitorError(sentence)
