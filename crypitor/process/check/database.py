"""What `check` finds of the database: reached as `run` reaches it, and left as it was."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crypitor.config import Config
from crypitor.config.paths import database_file, database_left_behind
from crypitor.database.engine import Database, Transaction
from crypitor.database.migrate import is_there, pending
from crypitor.database.mistakes import closed, mistakes_of
from crypitor.database.networks import chain_ids, genesis_of, headers
from crypitor.database.reseal import missing_keys, mistake_of
from crypitor.database.seal import Seal
from crypitor.errors import ConfigError, DatabaseUnavailable
from crypitor.monitor.position import kept_headers
from crypitor.process.check.finding import Finding, fine, trouble
from crypitor.process.check.nodes import Matched
from crypitor.process.first_start import refuse_blank

SUBJECT, SECRETS = "database", "secrets"

# Of a row that is always there, to the value that it has; nothing of it is committed.
TOUCH = "update counters set value = value where name = 'deliveries'"


@dataclass(frozen=True, slots=True)
class Stored:
    """What is found of the database, and what it holds.

    matched: of each network that is followed.
    """

    findings: Sequence[Finding]
    matched: Mapping[str, Matched] = field(default_factory=dict)


class _Undo(Exception):
    """Ends a unit of work that is not to be committed."""


async def look_at_database(config: Config, *, running: bool = False) -> Stored:
    """Look whether a start could use the database, and read what nodes are compared with.

    running: whether somebody has it already, with the sessions that a start would use.
    """
    url = config.database.url.get_secret_value()
    stored = (
        "sealed" if config.webhook.seal_keys else "as they are; webhook.secrets_key would seal them"
    )
    try:
        with mistakes_of(url):
            return await _looked_at(config, stored, running=running)
    except DatabaseUnavailable as gone:
        return _not_looked_at(
            trouble(SUBJECT, f"{gone}; it is waited for at start", _reachable(config))
        )
    except ConfigError as mistake:
        return _not_looked_at(trouble(SUBJECT, mistake.mistakes[0], _usable()))


async def _looked_at(config: Config, stored: str, *, running: bool) -> Stored:
    """stored: how secrets are. Raises DatabaseUnavailable, and ConfigError as a start does."""
    url = config.database.url.get_secret_value()
    await refuse_blank(config)
    crowded = None if running else await _crowded(config)
    if crowded:
        return _not_looked_at(crowded)
    if not await is_there(url):
        return Stored([_to_be_made(config), fine(SECRETS, f"will be stored {stored}")])
    outdated = await pending(url)
    async with Database.open(
        url, connections=config.database.connections, seal=Seal(config.webhook.seal_keys)
    ) as database:
        await _try_to_write(database, "select 1" if outdated else TOUCH)
        if outdated:
            return Stored([_outdated(config), fine(SECRETS, f"will be stored {stored}")])
        missing = await database.read(missing_keys)
        known = await database.read(chain_ids)
        matched = {name: await _matched(database, config, name) for name in config.followed}
    found = [fine(SUBJECT, "reachable, the schema is the newest"), *_other_chains(config, known)]
    if missing:
        sentence = mistake_of(missing, has_key=bool(config.webhook.seal_keys))
        found.append(
            trouble(SECRETS, sentence, "set webhook.secrets_key to all keys that were used")
        )
    else:
        found.append(fine(SECRETS, f"stored {stored}"))
    return Stored(found, matched)


async def _crowded(config: Config) -> Finding | None:
    """Say so where fewer sessions are given than a start uses, which would wait for the others."""
    if database_file(config) is not None:
        return None
    from crypitor.database.sessions import BESIDES, sessions_given  # noqa: PLC0415 - asyncpg

    own = config.queue.kind == "memory"
    wanted = config.database.connections + (BESIDES if own else BESIDES - 1)
    given = await sessions_given(config.database.url.get_secret_value(), wanted)
    if given == wanted:
        return None
    return trouble(
        SUBJECT,
        f"gives {given} session{'s' * (given != 1)} at once, and `run` uses up to {wanted}:"
        " it would wait for the others",
        f"max_connections of the server, or default_pool_size of PgBouncer: at least {wanted} for"
        " each process (with pool_mode = transaction 2 and some more); or a smaller"
        " database.connections",
    )


async def _matched(database: Database, config: Config, name: str) -> Matched:
    count = kept_headers(config.followed[name].max_reorg_depth)
    return await database.read(
        lambda tx: _with_genesis(tx, name, count),
    )


async def _with_genesis(tx: Transaction, name: str, count: int) -> Matched:
    return Matched(await headers(tx, name, count), await genesis_of(tx, name))


async def _try_to_write(database: Database, sql: str) -> None:
    async def work(tx: Transaction) -> None:
        await tx.run(sql)
        raise _Undo

    try:
        await database.write(work)
    except _Undo:
        return


def _not_looked_at(found: Finding) -> Stored:
    return Stored([found, fine(SECRETS, "not looked at: the database cannot be read")])


def _to_be_made(config: Config) -> Finding:
    path = database_file(config)
    if not config.database.migrate:
        return trouble(
            SUBJECT,
            "is not there yet, and with database.migrate = false only `crypitor migrate` makes it",
            "`crypitor migrate`",
        )
    if path is None:
        return fine(SUBJECT, "reachable, and empty; `crypitor run` makes the schema")
    folder = next(one for one in path.absolute().parents if one.exists())
    if not folder.is_dir():
        return trouble(SUBJECT, f"cannot be made at {path}: {folder} is no folder", _usable())
    if not os.access(folder, os.W_OK | os.X_OK):
        return trouble(SUBJECT, f"is not there yet, and cannot be made: {closed(path)}", _usable())
    before = database_left_behind(config)
    told = f"; there is one at {before}, which another database.url would name" if before else ""
    return fine(SUBJECT, f"is not there yet; `crypitor run` makes it at {path}{told}")


def _outdated(config: Config) -> Finding:
    if config.database.migrate:
        return fine(SUBJECT, "the schema is brought up to date at start")
    return trouble(
        SUBJECT, "the schema is not the newest: run `crypitor migrate`", "`crypitor migrate`"
    )


def _reachable(config: Config) -> str:
    path = database_file(config)
    if path is None:
        return "start the server, or correct host, user and password in database.url"
    return f"see who else has {Path(path).name} open, and whether its disk has room"


def _usable() -> str:
    return "name another database in database.url, or do what the sentence says"


def _other_chains(config: Config, known: Mapping[str, int]) -> list[Finding]:
    return [
        trouble(
            f"network {name}",
            f"is chain {network.chain_id}, but chain {known[name]} was followed under this name",
            f"give it another name in [networks.{name}], or another database.url",
        )
        for name, network in config.followed.items()
        if known.get(name, network.chain_id) != network.chain_id
    ]
