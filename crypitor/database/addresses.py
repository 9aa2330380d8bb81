"""The addresses that monitors watch: read and changed in chunks, because there may be a million."""

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

from crypitor.database.engine import Database, Transaction
from crypitor.database.leftovers import leave_addresses
from crypitor.evm.types import Address
from crypitor.monitor.index import Labelled

CHUNK = 10_000

OF_MONITOR = "list_id = (select list_id from monitors where id = :monitor_id)"

COUNT = """select m.id as monitor_id, count(*) as addresses
    from addresses a join monitors m on m.list_id = a.list_id
    where m.id in {monitors} group by m.id"""

LOAD = """select a.list_id, m.id as monitor_id, a.address, a.label
    from addresses a join monitors m on m.list_id = a.list_id
    where m.enabled = 1 and (a.list_id, a.address) > (:list_id, :address)
    order by a.list_id, a.address limit :limit"""

# Both texts of a row are made from the same rows in the same order.
TEXTS = "{addresses} as addresses, count(label) as labelled, {labels} as labels"

JOINED = f"""select list_id, monitor_id, {TEXTS}
    from ({LOAD}) chunk group by list_id, monitor_id order by list_id"""  # noqa: S608 - from above

# Of one list alone: to join and to group is two thirds of what it takes otherwise.
LOAD_REST = f"""select (select id from monitors where list_id = :list_id and enabled = 1)
        as monitor_id, {TEXTS}
    from (select address, label from addresses where list_id = :list_id and address > :address
        order by address limit :limit) chunk"""  # noqa: S608 - from above, as all that follow

LOAD_ONE = f"""select {TEXTS}
    from (select address, label from addresses where {OF_MONITOR} and address > :address
        order by address limit :limit) chunk"""  # noqa: S608

# In the order of the primary key, so that neighbours go to the same page.
INSERT = """insert into addresses (list_id, address, label)
    values ((select list_id from monitors where id = :monitor_id), :address, :label)"""

INSERT_WITHOUT_LABELS = """insert into addresses (list_id, address, label)
    select (select list_id from monitors where id = :monitor_id), listed.value, null
    from {addresses} listed"""

SELECT_KNOWN = f"""select {{joined}} from addresses
    where {OF_MONITOR} and address in {{addresses}}"""  # noqa: S608

SELECT_WATCHED = f"""select address, label from addresses
    where {OF_MONITOR} and address in {{addresses}}"""  # noqa: S608

SELECT_LABELS = f"""{SELECT_WATCHED} and label is not null"""

SET_LABEL = f"""update addresses set label = :label
    where {OF_MONITOR} and address = :address"""  # noqa: S608

DELETE = f"delete from addresses where {OF_MONITOR} and address in {{addresses}}"  # noqa: S608

# One lower bound: of two, SQLite takes the first, and reads each page's rows for all pages before.
LIST = f"""select address, label from addresses
    where {OF_MONITOR} and address >= :first and address < :end
    order by address limit :limit"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a chunk. changed: the pairs that are new or have another label."""

    added: int
    already_present: int
    changed: list[Labelled]


async def add_addresses(
    tx: Transaction, monitor_id: str, pairs: Mapping[Address, str | None]
) -> Added:
    """Watch more addresses. One that is watched already takes the new label, if one is given."""
    known = await _known(tx, monitor_id, list(pairs))
    labelled = [address for address in known if pairs[address] is not None]
    labels: dict[Address, str | None] = dict(
        await tx.rows(
            SELECT_LABELS.format(addresses=tx.listed("addresses")),
            monitor_id=monitor_id,
            addresses=json.dumps(labelled),
        )
        if labelled
        else ()
    )
    new: list[Labelled] = [pair for pair in pairs.items() if pair[0] not in known]
    relabelled: list[Labelled] = [
        (address, pairs[address]) for address in labelled if labels.get(address) != pairs[address]
    ]
    await insert_addresses(tx, monitor_id, new)
    await tx.many(
        SET_LABEL,
        [(label, monitor_id, address) for address, label in relabelled],
    )
    return Added(len(new), len(pairs) - len(new), new + relabelled)


async def insert_addresses(tx: Transaction, monitor_id: str, pairs: Sequence[Labelled]) -> None:
    """Watch addresses, none of which is watched yet."""
    ordered = sorted(pairs)
    bare = [address for address, label in ordered if label is None]
    if bare:
        await tx.run(
            INSERT_WITHOUT_LABELS.format(addresses=tx.listed("addresses")),
            monitor_id=monitor_id,
            addresses=json.dumps(bare),
        )
    await tx.many(
        INSERT, [(monitor_id, address, label) for address, label in ordered if label is not None]
    )
    await _count(tx, monitor_id, len(ordered))


async def remove_addresses(
    tx: Transaction, monitor_id: str, addresses: Sequence[Address]
) -> list[Address]:
    """Watch these no longer; return those that were watched."""
    known = await _known(tx, monitor_id, addresses)
    if known:
        await tx.run(
            DELETE.format(addresses=tx.listed("addresses")),
            monitor_id=monitor_id,
            addresses=json.dumps(sorted(known)),
        )
        await _count(tx, monitor_id, -len(known))
    return list(known)


async def replace_addresses(
    tx: Transaction, monitor_id: str, list_id: str, pairs: Sequence[Labelled]
) -> None:
    """Watch these instead of all that were watched, which are removed later.

    list_id: an id that no list ever had.
    """
    await leave_addresses(tx, monitor_id)
    await tx.run(
        "update monitors set list_id = :list_id, address_count = 0 where id = :monitor_id",
        list_id=list_id,
        monitor_id=monitor_id,
    )
    await insert_addresses(tx, monitor_id, pairs)


async def get_label(tx: Transaction, monitor_id: str, address: Address) -> tuple[bool, str | None]:
    """Return whether an address is watched, and its label."""
    row = await tx.one(
        f"select label from addresses where {OF_MONITOR} and address = :address",  # noqa: S608
        monitor_id=monitor_id,
        address=address,
    )
    return (False, None) if row is None else (True, row["label"])


async def labels_of(
    tx: Transaction, monitor_id: str, addresses: Collection[Address]
) -> dict[Address, str | None]:
    """Return those of these addresses that a monitor watches, with their labels."""
    rows = await tx.rows(
        SELECT_WATCHED.format(addresses=tx.listed("addresses")),
        monitor_id=monitor_id,
        addresses=json.dumps(list(addresses)),
    )
    return dict(rows)


async def list_addresses(
    tx: Transaction, monitor_id: str, limit: int, *, prefix: str = "0x", cursor: str | None = None
) -> list[Labelled]:
    """Return addresses in their own order, those after the address `cursor`.

    prefix: lower-case beginning, with its 0x.
    """
    rows = await tx.rows(
        LIST,
        monitor_id=monitor_id,
        # All addresses are of one length: what is longer by a character stands right behind.
        first=max(prefix, cursor + "0" if cursor else ""),
        end=prefix + "g",  # behind every hex digit
        limit=limit,
    )
    return [(address, label) for address, label in rows]


async def count_addresses(tx: Transaction, monitor_ids: Sequence[str]) -> dict[str, int]:
    """Return how many addresses each of these monitors watches."""
    rows = await tx.all(
        COUNT.format(monitors=tx.listed("monitors")), monitors=json.dumps(monitor_ids)
    )
    counts = {row["monitor_id"]: row["addresses"] for row in rows}
    return {monitor_id: counts.get(monitor_id, 0) for monitor_id in monitor_ids}


@dataclass(frozen=True, slots=True)
class Chunk:
    """What follows each other in the table, of one monitor."""

    list_id: str
    monitor_id: str
    pairs: list[Labelled]


async def load_addresses(
    tx: Transaction, after: tuple[str, Address] | None, limit: int
) -> list[Chunk]:
    """Return the next of what all enabled monitors watch, at most `limit`; none at the end.

    after: the last list before and its last address; None for the first.
    """
    list_id, address = after or ("", "")
    if list_id:
        query = _texts(tx, LOAD_REST)
        [rest] = await tx.rows(query, list_id=list_id, address=address, limit=limit)
        monitor_id, *texts = rest
        if monitor_id is not None and (pairs := _pairs(*texts)):
            return [Chunk(list_id, monitor_id, pairs)]
    query = _texts(tx, JOINED)
    rows = await tx.rows(query, list_id=list_id, address=address, limit=limit)
    return [Chunk(found, of, _pairs(*texts)) for found, of, *texts in rows]


async def all_addresses(database: Database, monitor_id: str) -> AsyncIterator[list[Labelled]]:
    """Yield everything that one monitor watches, chunk by chunk.

    Each chunk is of its own moment, so that no unit of work is long: what changes meanwhile has to
    be heard of otherwise. Raises DatabaseUnavailable.
    """
    pairs: list[Labelled] | None = None
    while pairs is None or len(pairs) == CHUNK:
        after = max(address for address, _ in pairs) if pairs else ""
        pairs = await database.read(partial(_some, monitor_id=monitor_id, after=after))
        if pairs:
            yield pairs


async def _some(tx: Transaction, monitor_id: str, after: Address) -> list[Labelled]:
    query = _texts(tx, LOAD_ONE)
    [texts] = await tx.rows(query, monitor_id=monitor_id, address=after, limit=CHUNK)
    return _pairs(*texts)


async def _count(tx: Transaction, monitor_id: str, more: int) -> None:
    """Keep how many addresses a monitor watches, for the limits of its project."""
    if more:
        await tx.run(
            "update monitors set address_count = address_count + :more where id = :monitor_id",
            more=more,
            monitor_id=monitor_id,
        )


async def _known(tx: Transaction, monitor_id: str, addresses: Sequence[Address]) -> set[Address]:
    """Return those of these addresses that a monitor watches."""
    known: str | None = await tx.value(
        SELECT_KNOWN.format(joined=tx.joined("address"), addresses=tx.listed("addresses")),
        monitor_id=monitor_id,
        addresses=json.dumps(addresses),
    )
    return set(known.split("\n")) if known else set()


def _texts(tx: Transaction, sql: str) -> str:
    return sql.format(addresses=tx.joined("address"), labels=tx.joined("coalesce(label, '')"))


def _pairs(addresses: str | None, labelled: int, texts: str) -> list[Labelled]:
    """Return what a row says; no addresses are None. They hold no line break, nor do labels."""
    if addresses is None:
        return []
    labels = (text or None for text in texts.split("\n")) if labelled else repeat(None)
    return list(zip(addresses.split("\n"), labels, strict=False))
