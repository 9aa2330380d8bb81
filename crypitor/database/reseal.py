"""Sees at start that every secret's key is there, and seals everything by the newest one."""

from collections.abc import Iterable
from functools import partial

from crypitor.database.endpoints import SEALED, place
from crypitor.database.engine import Database, Transaction
from crypitor.errors import ConfigError

ROWS_A_STEP = 500

_SELECT = f"""select id, {", ".join(SEALED)} from endpoints where id > :after
    order by id limit :limit"""  # noqa: S608 - our own column names

_UPDATE = """update endpoints set url = :url, secret = :secret, old_secrets = :old_secrets,
        headers = :headers, tls = :tls
    where id = :id"""


async def missing_keys(tx: Transaction) -> dict[str, int]:
    """Return the names of keys that are not there, and how many endpoints need each."""
    missing: dict[str, int] = {}
    after = ""
    while rows := await tx.all(_SELECT, after=after, limit=ROWS_A_STEP):
        for row in rows:
            for name in {tx.seal.missing_key(row[column]) for column in SEALED}:
                if name is not None:
                    missing[name] = missing.get(name, 0) + 1
        after = rows[-1]["id"]
    return missing


def mistake_of(missing: dict[str, int], *, has_key: bool) -> str:
    """Return what is to be done about keys that are not there."""
    name, count = max(missing.items(), key=lambda pair: pair[1])
    secrets = f"the secrets of {count} endpoint{'s' if count > 1 else ''} are sealed by"
    if not has_key:
        return f"webhook.secrets_key: is missing, and {secrets} the key {name}: give that key"
    return (
        f"webhook.secrets_key: {secrets} another key ({name}): give that one behind the new one,"
        ' ["new", "old"], until the service has started once with both'
    )


async def seal_all(database: Database) -> int:
    """Seal what the newest key has not sealed, in small steps; return how many endpoints that was.

    Raises ConfigError where a key is missing; then nothing has been changed.
    """
    missing = await database.read(missing_keys)
    has_key = bool(await database.read(_mark))
    if missing:
        raise ConfigError("the secrets cannot be read", [mistake_of(missing, has_key=has_key)])
    count = 0
    after = "" if has_key else None
    while after is not None:
        sealed, after = await database.write(partial(_seal_some, after=after))
        count += sealed
    return count


async def _mark(tx: Transaction) -> str:
    return tx.seal.mark


async def _seal_some(tx: Transaction, after: str) -> tuple[int, str | None]:
    rows = await tx.all(_SELECT + _lock(tx), after=after, limit=ROWS_A_STEP)
    changed = [
        [*_sealed(tx, row["id"], (row[column] for column in SEALED)), row["id"]]
        for row in rows
        if not all(row[column].startswith(tx.seal.mark) for column in SEALED if row[column])
    ]
    await tx.many(_UPDATE, changed)
    return len(changed), rows[-1]["id"] if rows else None


def _sealed(tx: Transaction, endpoint_id: str, texts: Iterable[str]) -> list[str]:
    places = [place(endpoint_id, column) for column in SEALED]
    return [
        tx.seal.seal(tx.seal.open(text, at), at) if text else text
        for text, at in zip(texts, places, strict=True)
    ]


def _lock(tx: Transaction) -> str:
    return " for update" if tx.dialect == "postgresql" else ""
