"""Projects and the API keys that open them.

A key is `ke_<id>_<secret><checksum>`: scanners know it by its form, and a mistyped one is refused
without asking the database. Only its SHA-256 is stored; 32 random bytes need no slow hash.
"""

import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, TypeAlias

from crypitor.database.engine import Row, Transaction
from crypitor.database.ids import RANDOM_BYTES, new_id

SECRET_BYTES = 32
CONFIGURED_KEY = "ke_fromtheconfiguration000000"
"""The id of the key whose secret stands in the configuration."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET = re.compile(r"(ke_[0-9a-z]{26}_[0-9A-Za-z]{43})([0-9A-Za-z]{6})", re.ASCII)

RandomBytes = Callable[[int], bytes]


Word: TypeAlias = Literal["read", "write", "admin"]


class Scope(IntEnum):
    """How far a key reaches; each includes those before it."""

    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def word(self) -> Word:
        """As it is written in JSON and SQL."""
        return _WORDS[self]


_WORDS: dict[int, Word] = {1: "read", 2: "write", 3: "admin"}


@dataclass(frozen=True, slots=True)
class Project:
    """What owns monitors, endpoints, matches and keys. created_at: unix milliseconds."""

    id: str
    name: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret. Times in unix milliseconds; revoked_at None while it opens."""

    id: str
    project_id: str
    name: str
    scope: Scope
    created_at: int
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    operator: a key of the operator's project, which with admin scope administers all projects.
    """

    key_id: str
    project_id: str
    scope: Scope
    operator: bool


def make_secret(key_id: str, random: bytes) -> str:
    """Return the text that opens the key; random: 32 bytes."""
    text = f"{key_id}_{_base62(int.from_bytes(random), 43)}"
    return text + _base62(zlib.crc32(text.encode()), 6)


def is_mistyped(secret: str) -> bool:
    """Whether a text has the form of our keys and a checksum that is wrong."""
    form = _SECRET.fullmatch(secret)
    return form is not None and _base62(zlib.crc32(form[1].encode()), 6) != form[2]


def hash_of(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def create_project(tx: Transaction, name: str, now: int, random: RandomBytes) -> Project:
    """Store a project."""
    project = Project(new_id("pr_", now, random(RANDOM_BYTES)), name, now)
    await tx.run(
        "insert into projects (id, name, created_at) values (:id, :name, :now)",
        id=project.id,
        name=name,
        now=now,
    )
    return project


async def list_projects(
    tx: Transaction, *, only: str | None = None, limit: int = 1000, cursor: str | None = None
) -> list[Project]:
    """Return projects, newest first; `only` one of them, those before the id `cursor`."""
    rows = await tx.all(
        """select id, name, created_at from projects
            where (:only = '' or id = :only) and (:cursor = '' or id < :cursor)
            order by id desc limit :limit""",
        only=only or "",
        cursor=cursor or "",
        limit=limit,
    )
    return [Project(**row) for row in rows]


async def operators_project(tx: Transaction) -> str | None:
    """Return the id of the operator's project, None where the database is new."""
    found: str | None = await tx.value("select id from projects where operator = 1")
    return found


async def ensure_project(tx: Transaction, now: int, random: RandomBytes) -> str:
    """Return the id of the operator's project; make it when there is none.

    It is written down as the operator's: neither an id nor a clock says whose the service is.
    """
    project_id, _ = await _ensure_project(tx, now, random)
    return project_id


async def _ensure_project(tx: Transaction, now: int, random: RandomBytes) -> tuple[str, bool]:
    """Return the id of the operator's project, and whether it was made here."""
    found = await operators_project(tx)
    if found is not None:
        return found, False
    # Of several processes that start together one makes it; the others wait and find it.
    made: str | None = await tx.value(
        """insert into projects (id, name, created_at, operator)
            values (:id, 'default', :now, 1) on conflict do nothing returning id""",
        id=new_id("pr_", now, random(RANDOM_BYTES)),
        now=now,
    )
    found = await operators_project(tx) if made is None else made
    assert found is not None
    return found, made is not None


async def create_key(
    tx: Transaction, project_id: str, name: str, scope: Scope, now: int, random: RandomBytes
) -> tuple[Key, str]:
    """Store a key of a project that exists; return it with its secret, which is stored nowhere."""
    key = Key(new_id("ke_", now, random(RANDOM_BYTES)), project_id, name, scope, now)
    secret = make_secret(key.id, random(SECRET_BYTES))
    await _insert(tx, key, secret)
    return key, secret


async def list_keys(
    tx: Transaction, project_id: str | None, *, limit: int = 1000, cursor: str | None = None
) -> list[Key]:
    """Return the keys of a project, or of all with None, newest first; revoked ones too."""
    rows = await tx.all(
        """select id, project_id, name, scope, created_at, revoked_at from api_keys
            where (:project_id = '' or project_id = :project_id)
                and (:cursor = '' or id < :cursor)
            order by id desc limit :limit""",
        project_id=project_id or "",
        cursor=cursor or "",
        limit=limit,
    )
    return [_key(row) for row in rows]


async def revoke_key(tx: Transaction, project_id: str | None, key_id: str, now: int) -> bool:
    """Close a key of a project (of any with None); False when there is none. Twice is no harm."""
    revoked = await tx.value(
        """update api_keys set revoked_at = coalesce(revoked_at, :now)
            where id = :id and (:project_id = '' or project_id = :project_id) returning id""",
        id=key_id,
        project_id=project_id or "",
        now=now,
    )
    return revoked is not None


async def find_caller(tx: Transaction, secret: str) -> Caller | None:
    """Return whom a secret lets in, None for nobody."""
    row = await tx.one(
        """select k.id, k.project_id, k.scope, p.operator
            from api_keys k join projects p on p.id = k.project_id
            where k.secret_hash = :hash and k.revoked_at is null""",
        hash=hash_of(secret),
    )
    if row is None:
        return None
    return Caller(
        row["id"],
        row["project_id"],
        Scope[row["scope"].upper()],
        bool(row["operator"]),
    )


async def ensure_admin(
    tx: Transaction, configured: str | None, now: int, random: RandomBytes
) -> str | None:
    """See to it that somebody can get in.

    configured: the secret of the configuration, which then opens the operator's project with admin
    scope; one that was configured before and is not any more opens nothing.
    Returns the secret of a new admin key when the database was empty and none is configured.
    """
    project_id, empty = await _ensure_project(tx, now, random)
    if configured:
        await _admit_configured(tx, project_id, configured, now)
        return None
    await revoke_key(tx, project_id, CONFIGURED_KEY, now)
    if not empty:
        return None
    _, secret = await create_key(tx, project_id, "admin", Scope.ADMIN, now, random)
    return secret


async def _admit_configured(tx: Transaction, project_id: str, secret: str, now: int) -> None:
    same = await tx.one(
        "select id, revoked_at from api_keys where secret_hash = :hash", hash=hash_of(secret)
    )
    if same and (same["id"] != CONFIGURED_KEY or same["revoked_at"] is None):
        return
    await tx.run("delete from api_keys where id = :id", id=CONFIGURED_KEY)
    key = Key(CONFIGURED_KEY, project_id, "from the configuration", Scope.ADMIN, now)
    await _insert(tx, key, secret)


async def _insert(tx: Transaction, key: Key, secret: str) -> None:
    await tx.run(
        """insert into api_keys (id, project_id, name, scope, secret_hash, created_at)
            values (:id, :project_id, :name, :scope, :secret_hash, :created_at)""",
        id=key.id,
        project_id=key.project_id,
        name=key.name,
        scope=key.scope.word,
        secret_hash=hash_of(secret),
        created_at=key.created_at,
    )


def _key(row: Row) -> Key:
    return Key(**{**row, "scope": Scope[row["scope"].upper()]})


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
