"""Projects and the API keys that open them.

A key is `ke_<id>_<secret><checksum>`: scanners know it by its form, and a mistyped one is refused
without asking the database. Only its SHA-256 is stored; 32 random bytes need no slow hash.
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal, TypeAlias

from crypitor.database.engine import Row, Transaction
from crypitor.database.ids import RANDOM_BYTES, new_id
from crypitor.database.limits import own_limits

SECRET_BYTES = 32
CONFIGURED_KEY = "ke_fromtheconfiguration000000"
"""The id of the key whose secret stands in the configuration."""

KEY_COLUMNS = "id, project_id, name, scope, created_at, revoked_at, expires_at, last_used_at"

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
    """What owns monitors, endpoints, matches and keys.

    created_at: unix milliseconds. operator: whether it is the operator's. limits: its own, by name.
    """

    id: str
    name: str
    created_at: int
    operator: bool = False
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret.

    Times in unix milliseconds. revoked_at: None while it opens. expires_at: from when on it opens
    nothing, None for never. last_used_at: to some ten seconds, None before the first time.
    """

    id: str
    project_id: str
    name: str
    scope: Scope
    created_at: int
    revoked_at: int | None = None
    expires_at: int | None = None
    last_used_at: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    operator: a key of the operator's project, which with admin scope administers all projects.
    expires_at: unix milliseconds from which on the key opens nothing, None for never.
    limits: the project's own, by name.
    """

    key_id: str
    project_id: str
    scope: Scope
    operator: bool
    expires_at: int | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)

    def opens(self, now: int) -> bool:
        """Whether the key has not expired. now: unix milliseconds."""
        return self.expires_at is None or now < self.expires_at


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


async def create_project(
    tx: Transaction, name: str, now: int, random: RandomBytes, *, id_at: int | None = None
) -> Project:
    """Store a project. id_at: the time in its id, where it is not now."""
    at = now if id_at is None else id_at
    project = Project(new_id("pr_", at, random(RANDOM_BYTES)), name, now)
    await tx.run(
        "insert into projects (id, name, created_at) values (:id, :name, :now)",
        id=project.id,
        name=name,
        now=now,
    )
    return project


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
    tx: Transaction,
    project_id: str,
    name: str,
    scope: Scope,
    now: int,
    random: RandomBytes,
    *,
    expires_at: int | None = None,
    id_at: int | None = None,
) -> tuple[Key, str]:
    """Store a key of a project that exists; return it with its secret, which is stored nowhere.

    id_at: the time in its id, where it is not now.
    """
    key_id = new_id("ke_", now if id_at is None else id_at, random(RANDOM_BYTES))
    key = Key(key_id, project_id, name, scope, now, expires_at=expires_at)
    secret = make_secret(key.id, random(SECRET_BYTES))
    await _insert(tx, key, secret)
    return key, secret


async def list_keys(
    tx: Transaction, project_id: str | None, *, limit: int = 1000, cursor: str | None = None
) -> list[Key]:
    """Return the keys of a project, or of all with None, newest first; revoked ones too."""
    rows = await tx.all(
        f"""select {KEY_COLUMNS} from api_keys
            where (:project_id = '' or project_id = :project_id)
                and (:cursor = '' or id < :cursor)
            order by id desc limit :limit""",  # noqa: S608 - columns from above
        project_id=project_id or "",
        cursor=cursor or "",
        limit=limit,
    )
    return [_key(row) for row in rows]


async def get_key(tx: Transaction, project_id: str | None, key_id: str) -> Key | None:
    """Return a key of a project, of any with None."""
    row = await tx.one(
        f"""select {KEY_COLUMNS} from api_keys
            where id = :id and (:project_id = '' or project_id = :project_id)""",  # noqa: S608
        id=key_id,
        project_id=project_id or "",
    )
    return None if row is None else _key(row)


async def replace_key(
    tx: Transaction,
    old: Key,
    overlap_ms: int,
    now: int,
    random: RandomBytes,
    *,
    id_at: int | None = None,
) -> tuple[Key, str]:
    """Store a key that takes the place of another, which opens for a while yet; see `create_key`.

    The new one has its name, scope and end.
    """
    until = now + overlap_ms if old.expires_at is None else min(old.expires_at, now + overlap_ms)
    await tx.run("update api_keys set expires_at = :until where id = :id", until=until, id=old.id)
    return await create_key(
        tx,
        old.project_id,
        old.name,
        old.scope,
        now,
        random,
        expires_at=old.expires_at,
        id_at=id_at,
    )


async def note_uses(tx: Transaction, uses: Mapping[str, int]) -> None:
    """Keep when keys were last used, by id in unix milliseconds."""
    await tx.many(
        """update api_keys set last_used_at = :at
            where id = :id and coalesce(last_used_at, 0) < :at""",
        [(at, key_id) for key_id, at in sorted(uses.items())],
    )


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


async def find_caller(tx: Transaction, secret: str, now: int = 0) -> Caller | None:
    """Return whom a secret lets in, None for nobody. now: unix milliseconds, for what expires."""
    row = await tx.one(
        """select k.id, k.project_id, k.scope, k.expires_at, p.operator, p.limits
            from api_keys k join projects p on p.id = k.project_id
            where k.secret_hash = :hash and k.revoked_at is null and p.deleted_at is null""",
        hash=hash_of(secret),
    )
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= now):
        return None
    return Caller(
        row["id"],
        row["project_id"],
        Scope[row["scope"].upper()],
        bool(row["operator"]),
        row["expires_at"],
        own_limits(row["limits"]),
    )


async def stored_hash(tx: Transaction, key_id: str) -> str | None:
    """Return what is stored of a key's secret; None for a key that is not there, or was revoked."""
    query = "select secret_hash from api_keys where id = :id and revoked_at is null"
    found: str | None = await tx.value(query, id=key_id)
    return found


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
        """insert into api_keys (id, project_id, name, scope, secret_hash, created_at, expires_at)
            values (:id, :project_id, :name, :scope, :secret_hash, :created_at, :expires_at)""",
        id=key.id,
        project_id=key.project_id,
        name=key.name,
        scope=key.scope.word,
        secret_hash=hash_of(secret),
        created_at=key.created_at,
        expires_at=key.expires_at,
    )


def _key(row: Row) -> Key:
    return Key(**{**row, "scope": Scope[row["scope"].upper()]})


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
