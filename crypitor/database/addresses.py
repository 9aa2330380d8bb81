"""The addresses that monitors watch: read and changed in chunks, because there may be a million."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from crypitor.database.engine import Transaction
from crypitor.evm.types import Address

Labelled: TypeAlias = tuple[Address, str | None]
"""An address and the user's label for it."""

CHUNK = 10_000

COUNT = """select monitor_id, count(*) as addresses from addresses
    where monitor_id in {monitors} group by monitor_id"""

LOAD = """select a.monitor_id, a.address, a.label
    from addresses a join monitors m on m.id = a.monitor_id
    where m.enabled = 1 and (a.monitor_id, a.address) > (:monitor_id, :address)
    order by a.monitor_id, a.address limit :limit"""

# One lower bound: of two, SQLite takes the first, and reads each page's rows for all pages before.
LIST = """select address, label from addresses
    where monitor_id = :monitor_id and address >= :first and address < :end
    order by address limit :limit"""


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
    known = {
        row["address"]: row["label"]
        for row in await tx.all(
            f"""select address, label from addresses
                where monitor_id = :monitor_id and address in {tx.listed("addresses")}""",  # noqa: S608
            monitor_id=monitor_id,
            addresses=json.dumps(list(pairs)),
        )
    }
    new: list[Labelled] = [
        (address, label) for address, label in pairs.items() if address not in known
    ]
    relabelled: list[Labelled] = [
        (address, label)
        for address, label in pairs.items()
        if label is not None and address in known and known[address] != label
    ]
    await insert_addresses(tx, monitor_id, new)
    await tx.many(
        """update addresses set label = :label
            where monitor_id = :monitor_id and address = :address""",
        [(label, monitor_id, address) for address, label in relabelled],
    )
    return Added(len(new), len(pairs) - len(new), new + relabelled)


async def insert_addresses(tx: Transaction, monitor_id: str, pairs: Sequence[Labelled]) -> None:
    """Watch addresses, none of which is watched yet."""
    # In the order of the primary key, so that neighbours go to the same page.
    await tx.many(
        "insert into addresses (monitor_id, address, label) values (:monitor_id, :address, :label)",
        [(monitor_id, address, label) for address, label in sorted(pairs)],
    )


async def remove_addresses(
    tx: Transaction, monitor_id: str, addresses: Sequence[Address]
) -> list[Address]:
    """Watch these no longer; return those that were watched."""
    rows = await tx.all(
        f"""delete from addresses
            where monitor_id = :monitor_id and address in {tx.listed("addresses")}
            returning address""",  # noqa: S608
        monitor_id=monitor_id,
        addresses=json.dumps(addresses),
    )
    return [row["address"] for row in rows]


async def clear_addresses(tx: Transaction, monitor_id: str) -> None:
    """Watch none."""
    await tx.run("delete from addresses where monitor_id = :id", id=monitor_id)


async def get_label(tx: Transaction, monitor_id: str, address: Address) -> tuple[bool, str | None]:
    """Return whether an address is watched, and its label."""
    row = await tx.one(
        "select label from addresses where monitor_id = :monitor_id and address = :address",
        monitor_id=monitor_id,
        address=address,
    )
    return (False, None) if row is None else (True, row["label"])


async def list_addresses(
    tx: Transaction, monitor_id: str, limit: int, *, prefix: str = "0x", cursor: str | None = None
) -> list[Labelled]:
    """Return addresses in their own order, those after the address `cursor`.

    prefix: lower-case beginning, with its 0x.
    """
    rows = await tx.all(
        LIST,
        monitor_id=monitor_id,
        # All addresses are of one length: what is longer by a character stands right behind.
        first=max(prefix, cursor + "0" if cursor else ""),
        end=prefix + "g",  # behind every hex digit
        limit=limit,
    )
    return [(row["address"], row["label"]) for row in rows]


async def count_addresses(tx: Transaction, monitor_ids: Sequence[str]) -> dict[str, int]:
    """Return how many addresses each of these monitors watches."""
    rows = await tx.all(
        COUNT.format(monitors=tx.listed("monitors")), monitors=json.dumps(monitor_ids)
    )
    counts = {row["monitor_id"]: row["addresses"] for row in rows}
    return {monitor_id: counts.get(monitor_id, 0) for monitor_id in monitor_ids}


async def load_addresses(
    tx: Transaction, after: tuple[str, Address] | None, limit: int
) -> list[tuple[str, Address, str | None]]:
    """Return the next chunk of what all enabled monitors watch: monitor id, address, label.

    after: the first two of the chunk's before last row; None for the first chunk.
    """
    monitor_id, address = after or ("", "")
    rows = await tx.all(LOAD, monitor_id=monitor_id, address=address, limit=limit)
    return [(row["monitor_id"], row["address"], row["label"]) for row in rows]


async def all_addresses(tx: Transaction, monitor_id: str) -> list[Labelled]:
    """Return everything that one monitor watches."""
    pairs: list[Labelled] = []
    chunk: list[Labelled] | None = None
    while chunk is None or len(chunk) == CHUNK:
        cursor = pairs[-1][0] if pairs else None
        chunk = await list_addresses(tx, monitor_id, CHUNK, cursor=cursor)
        pairs += chunk
    return pairs
