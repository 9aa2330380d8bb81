"""What a start opens: connections, the database, the API, which says so while it is waited for."""

import asyncio
import contextlib
import ctypes
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog

from crypitor.api.serving.starting import starting
from crypitor.config import Config
from crypitor.database.apart import migrate_apart
from crypitor.database.engine import Database
from crypitor.database.hold import Hold
from crypitor.database.instants import follow_clock
from crypitor.database.migrate import pending
from crypitor.database.mistakes import mistakes_of
from crypitor.database.reseal import seal_all
from crypitor.database.seal import Seal
from crypitor.errors import ConfigError, Unavailable
from crypitor.process.doors import front_of, site_of
from crypitor.process.first_start import let_somebody_in, refuse_blank
from crypitor.process.ownership import kept
from crypitor.runtime.loop import LONGEST_WAIT_SECONDS, Health, pause

log = structlog.get_logger(__name__)

FIRST_RETRY_SECONDS = 0.5

KEPT_BYTES = 16 << 20
"""Of freed memory: the copies of a block's answer, which is 0.7 to 6 MB."""

TURN_SECONDS = 0.00005
"""Of the interpreter, while another thread waits for it."""

_PR_SET_TIMERSLACK, _SLACK_NANOSECONDS = 29, 1_000  # prctl(2)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # mallopt(3)


def allow_many_connections() -> None:
    """Take as many file descriptors as the system grants: each endpoint may hold a connection."""
    try:
        import resource  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS grants less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def keep_freed_memory() -> None:
    """Keep some freed memory in place of giving it back to the system and asking for it again.

    The answer with a block is copied a few times on its way, some 400 pages each time, which the
    system would have to clear anew for each block: 1 ms of its way at the head of the chain.
    """
    try:
        allow = ctypes.CDLL(None).mallopt  # glibc's
    except (OSError, AttributeError, TypeError):
        return
    # The first, set alone, would leave every piece above 128 kB to the system.
    allow(_M_TRIM_THRESHOLD, KEPT_BYTES)
    allow(_M_MMAP_THRESHOLD, KEPT_BYTES // 2)
    # Each connection of SQLite has a thread. With an arena each, what one of them has freed is of
    # no use to the others, and a row that stays keeps the pages around it.
    allow(_M_ARENA_MAX, 1)


def take_short_turns() -> None:
    """Let a thread that waits for the interpreter have it after 50 microseconds, not five thousand.

    A unit of work on SQLite asks for it again after each row, in its connection's thread. Beside a
    loop that is never idle, as strangers can make it, each time took five milliseconds, and a
    block's hundred statements took longer than the next block.
    """
    sys.setswitchinterval(TURN_SECONDS)
    # The system adds 50 microseconds to each wait, unless it is told that they are short.
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, _SLACK_NANOSECONDS, 0, 0, 0)


def announce(url: str, admin_key: str | None, path: Path) -> None:
    """Tell where the API is, if there is one, and of the admin key, if one was made just now.

    People see it; other output is kept, and has the path alone.
    """
    if url:
        log.info("ready", url=url)
    if admin_key and sys.stdout.isatty():
        print(f"admin key, shown this once: {admin_key}", flush=True)  # noqa: T201 - not for the log
    elif admin_key:
        print(f"the admin key is in {path}", flush=True)  # noqa: T201


async def _open(
    config: Config, roles: Sequence[str], *, new: bool
) -> tuple[AsyncExitStack, Database, str | None]:
    """Open the database with the newest schema, its secrets sealed, and a key for the API."""
    url = config.database.url.get_secret_value()
    if config.database.migrate:
        applied = await migrate_apart(url, copies=config.database.copy_before_migrating)
        if applied:
            log.info("schema brought up to date", steps=len(applied), revision=applied[-1])
    elif await pending(url):
        mistake = (
            "database.migrate: is false and the schema is not the newest; run `crypitor migrate`"
        )
        raise ConfigError("the database cannot be used", [mistake])
    async with AsyncExitStack() as trial:
        database = await trial.enter_async_context(
            Database.open(
                url,
                connections=config.database.connections,
                seal=Seal(config.webhook.seal_keys),
            )
        )
        if {"api", "webhook"} & set(roles):
            sealed = await seal_all(database)
            if sealed:
                log.info("secrets sealed by the newest key", endpoints=sealed)
        await database.read(follow_clock)
        admin_key = await let_somebody_in(database, config, new=new)
        return trial.pop_all(), database, admin_key
    raise AssertionError("an exit stack swallows nothing")


async def opened_in_time(
    config: Config,
    roles: Sequence[str],
    hold: Hold,
    stop: asyncio.Event,
    health: Health,
    *,
    new: bool = False,
) -> tuple[AsyncExitStack, Database, str | None] | None:
    """Take hold of the database and open it, as soon as it is there; None when `stop` comes first.

    new: it may be empty although there is an admin key of one that was not. Nothing is made or
    migrated in a database that somebody else owns. Raises ConfigError.
    """
    wait = FIRST_RETRY_SECONDS
    async with AsyncExitStack() as meanwhile:
        while not stop.is_set():
            try:
                with mistakes_of(config.database.url.get_secret_value()):
                    await refuse_blank(config, new=new)
                    await hold.take()
                    async with kept(hold):
                        opened = await _open(config, roles, new=new)
            except Unavailable as trouble:
                if health.begin("database", str(trouble)):
                    log.warning("outage begins", role="start", trouble=str(trouble))
                    await meanwhile.enter_async_context(_starting_page(config, roles, health))
                await pause(wait, stop)
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            else:
                if health.end("database"):
                    log.info("outage over", role="start", seconds=health.seconds("database"))
                return opened
    return None


@asynccontextmanager
async def _starting_page(
    config: Config, roles: Sequence[str], health: Health
) -> AsyncIterator[None]:
    """Answer, while the database is waited for, that this is so."""
    port = config.server.port if "api" in roles else config.server.health_port
    if not port:
        yield
        return
    async with site_of(config, roles, starting(health, front_of(config))):
        yield
