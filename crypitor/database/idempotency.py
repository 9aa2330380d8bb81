"""Answers to writes that named an Idempotency-Key, kept for a day.

The row is made by the first statement of the transaction that makes the change, and gets its answer
with the last: a second request with the same key waits for the first to be committed or undone.
Answers are sealed: those that make an endpoint hold its secret.
"""

from dataclasses import dataclass

from crypitor.database.engine import Transaction
from crypitor.database.retention import noted_time
from crypitor.errors import Conflict

KEPT_MS = 24 * 3600 * 1000

CLAIM = """insert into idempotency (project_id, key, request_hash, status, body, created_at)
    values (:project_id, :key, :request_hash, 0, '', :now)
    on conflict do nothing returning key"""


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that may come twice.

    request_hash: of method, path and body; the same key with another one is a mistake.
    """

    project_id: str
    key: str
    request_hash: str


async def claim(tx: Transaction, request: Repeatable, now: int) -> str | None:
    """Return the answer that was given to this request, None when it comes for the first time.

    Raises Conflict for a key that came with another request.
    """
    oldest = await noted_time(tx, now) - KEPT_MS
    await tx.run("delete from idempotency where created_at < :oldest", oldest=oldest)
    claimed = await tx.value(
        CLAIM,
        project_id=request.project_id,
        key=request.key,
        request_hash=request.request_hash,
        now=now,
    )
    return await given_answer(tx, request) if claimed is None else None


async def is_known(tx: Transaction, project_id: str, key: str, now: int) -> bool:
    """Whether a request with this key was answered within the day, whatever request it was."""
    known = await tx.value(
        """select key from idempotency
            where project_id = :project_id and key = :key and created_at >= :oldest""",
        project_id=project_id,
        key=key,
        oldest=await noted_time(tx, now) - KEPT_MS,
    )
    return known is not None


async def answered_since(tx: Transaction, since: int) -> list[tuple[str, str]]:
    """Return project and key of what was answered from this time on, in unix milliseconds."""
    rows = await tx.rows(
        "select project_id, key from idempotency where created_at >= :since", since=since
    )
    return [(project_id, key) for project_id, key in rows]


async def given_answer(tx: Transaction, request: Repeatable) -> str | None:
    """Return the answer that was given, None for none. Raises Conflict as `claim` does."""
    row = await tx.one(
        "select request_hash, body from idempotency where project_id = :project_id and key = :key",
        project_id=request.project_id,
        key=request.key,
    )
    if row is None:
        return None
    if row["request_hash"] != request.request_hash:
        raise Conflict("this Idempotency-Key came before, with another request")
    return tx.seal.open(row["body"], _place(request))


async def keep_answer(tx: Transaction, request: Repeatable, status: int, body: str) -> None:
    """Store the answer that repetitions get."""
    await tx.run(
        """update idempotency set status = :status, body = :body
            where project_id = :project_id and key = :key""",
        status=status,
        body=tx.seal.seal(body, _place(request)),
        project_id=request.project_id,
        key=request.key,
    )


def _place(request: Repeatable) -> str:
    return f"idempotency {request.project_id} {request.key}"
