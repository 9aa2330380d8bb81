"""Records of the queue that carried no message of ours, kept until somebody looked at them."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from crypitor.database.engine import Row, Transaction

INSERT = """insert into dead_letters
    (id, topic, partition_number, record_offset, record_key, record_value, reason, created_at)
    values (:id, :topic, :partition, :offset, :key, :value, :reason, :now)
    on conflict (id) do nothing"""

LIST = """select id, topic, partition_number, record_offset, '' as record_key, '' as record_value,
    reason, created_at from dead_letters order by created_at, id limit :limit"""

SELECT = "select * from dead_letters where id = :id"

DELETE = "delete from dead_letters where id = :id returning id"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record as it was read. reason: why it is no message. created_at: unix milliseconds."""

    id: str
    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    reason: str
    created_at: int


def dead_letter(
    topic: str, partition: int, offset: int, key: bytes, value: bytes, reason: str, now: int
) -> DeadLetter:
    """Return a record as it is kept; its id follows from it, so that it is kept once."""
    content = hashlib.sha256(value).hexdigest()
    place = f"{topic} {partition} {offset} {content}".encode()
    letter_id = "dl_" + hashlib.sha256(place).hexdigest()[:26]
    return DeadLetter(letter_id, topic, partition, offset, key, value, reason, now)


async def insert_dead_letter(tx: Transaction, letter: DeadLetter) -> None:
    """Keep a record, unless it is kept already."""
    await tx.run(
        INSERT,
        id=letter.id,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        key=base64.b64encode(letter.key).decode(),
        value=base64.b64encode(letter.value).decode(),
        reason=letter.reason.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        now=letter.created_at,
    )


async def list_dead_letters(tx: Transaction, limit: int) -> Sequence[DeadLetter]:
    """Return what is kept, oldest first, without keys and values."""
    return [_letter(row) for row in await tx.all(LIST, limit=limit)]


async def get_dead_letter(tx: Transaction, letter_id: str) -> DeadLetter | None:
    """Return one of them, whole."""
    row = await tx.one(SELECT, id=letter_id)
    return _letter(row) if row else None


async def delete_dead_letter(tx: Transaction, letter_id: str) -> bool:
    """Forget one of them; False if it is not there."""
    return await tx.one(DELETE, id=letter_id) is not None


def _letter(row: Row) -> DeadLetter:
    return DeadLetter(
        id=row["id"],
        topic=row["topic"],
        partition=row["partition_number"],
        offset=row["record_offset"],
        key=base64.b64decode(row["record_key"]),
        value=base64.b64decode(row["record_value"]),
        reason=row["reason"],
        created_at=row["created_at"],
    )
