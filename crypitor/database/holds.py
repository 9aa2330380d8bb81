"""Which hold a process takes of its database. Light: taken before the service is imported."""

import contextlib
from collections.abc import Sequence

from crypitor.config import ROLES, Config
from crypitor.config.paths import database_file
from crypitor.database.hold import Hold, Holder, parts_of, this_process
from crypitor.errors import DatabaseUnavailable


def hold_of(config: Config, roles: Sequence[str]) -> Hold:
    """Return what a process with these roles has to hold, and takes before it does anything.

    Several processes with Kafka hold a SQLite file beside each other. Of PostgreSQL they hold
    nothing, which would cost each a session; they only make sure that nobody owns it.
    """
    in_process = config.queue.kind == "memory"
    holder = this_process(parts_of(roles, in_process=in_process))
    path = database_file(config)
    if path is not None:
        from crypitor.database.hold_sqlite import SqliteHold  # noqa: PLC0415 - not everywhere

        return SqliteHold(path, holder)
    from crypitor.database.hold_postgresql import PostgresqlHold  # noqa: PLC0415 - asyncpg

    return PostgresqlHold(config.database.url.get_secret_value(), holder, lasting=in_process)


def early_hold_of(config: Config, roles: Sequence[str]) -> Hold:
    """Return the same, taken already if that is done in a moment. Raises ConfigError.

    So whoever starts the service a second time is told so before it has been imported.
    """
    hold = hold_of(config, roles)
    with contextlib.suppress(DatabaseUnavailable):  # it is waited for later
        hold.take_early()
    return hold


async def holders_of(config: Config) -> list[Holder]:
    """Return who holds the database; looks only. Raises ConfigError and DatabaseUnavailable.

    Call it while this process does not have the database open.
    """
    path = database_file(config)
    if path is not None:
        from crypitor.database import hold_sqlite  # noqa: PLC0415 - not everywhere

        return hold_sqlite.holders_of(path)
    from crypitor.database import hold_postgresql  # noqa: PLC0415 - asyncpg

    return await hold_postgresql.holders_of(config.database.url.get_secret_value())


async def sharers_of(config: Config) -> list[Holder]:
    """Return who shares a PostgreSQL database with Kafka, beside whom no owner may start.

    It looks only, for seconds where somebody told something of late. Raises DatabaseUnavailable.
    """
    if database_file(config) is not None:
        return []
    from crypitor.database import hold_postgresql  # noqa: PLC0415 - asyncpg

    mine = parts_of(ROLES, in_process=True)
    return await hold_postgresql.sharers_of(config.database.url.get_secret_value(), mine)
