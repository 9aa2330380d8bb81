"""What each process says of itself and of the networks it leads, for the others to show."""

from dataclasses import dataclass

from crypitor.database.engine import Transaction

KEPT_MS = 3600 * 1000

TELL = """insert into processes (id, document, told_at) values (:id, :document, {now})
    on conflict (id) do update set document = excluded.document, told_at = excluded.told_at"""

FORGET = """delete from processes
    where told_at < {now} - :kept_ms or told_at > {now} + :kept_ms"""

LEAVE = "delete from processes where id = :id"

# Whoever has lost the lead since says nothing more.
TELL_STANDING = """insert into standings (network, document, told_at)
    select name, :document, {now} from networks where name = :network and term = :term
    on conflict (network) do update set document = excluded.document, told_at = excluded.told_at"""

# What was told in the future was told before the clock was set back: it may be old.
HEARD = """select id, document from processes
    where told_at > {now} - :within_ms and told_at < {now} + :within_ms order by id"""

HEARD_STANDINGS = """select network, document from standings
    where told_at > {now} - :within_ms and told_at < {now} + :within_ms"""

TIPS = """select h.network, h.number, h.timestamp from headers h
    join (select network, max(number) as number from headers group by network) t
        on t.network = h.network and t.number = h.number"""


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of late.

    processes: id → JSON. standings: network → JSON of its leader. tips: network → height and
    timestamp of the newest matched block.
    """

    processes: dict[str, str]
    standings: dict[str, str]
    tips: dict[str, tuple[int, int]]


async def tell_process(tx: Transaction, process: str, document: str) -> None:
    """Say how things stand in a process."""
    await tx.run(TELL.format(now=tx.now), id=process, document=document)
    await tx.run(FORGET.format(now=tx.now), kept_ms=KEPT_MS)


async def leave_process(tx: Transaction, process: str) -> None:
    """Forget a process that has ended."""
    await tx.run(LEAVE, id=process)


async def tell_standing(tx: Transaction, network: str, term: int, document: str) -> None:
    """Say how a network stands, as its leader in this term."""
    sql = TELL_STANDING.format(now=tx.now)
    await tx.run(sql, network=network, term=term, document=document)


async def told(tx: Transaction, within_ms: int) -> Told:
    """Return what was told in the last `within_ms`, and what was matched."""
    processes = await tx.all(HEARD.format(now=tx.now), within_ms=within_ms)
    standings = await tx.all(HEARD_STANDINGS.format(now=tx.now), within_ms=within_ms)
    tips = await tx.all(TIPS)
    return Told(
        {row["id"]: row["document"] for row in processes},
        {row["network"]: row["document"] for row in standings},
        {row["network"]: (row["number"], row["timestamp"]) for row in tips},
    )
