"""Where each chain stands: who leads it, and the headers of the blocks that were matched."""

from collections.abc import Sequence
from dataclasses import dataclass

from crypitor.database.blocks import revert_above
from crypitor.database.engine import Transaction
from crypitor.errors import ConfigError
from crypitor.evm.types import Hash, Header
from crypitor.monitor.position import Position
from crypitor.webhook.message import NetworkTitle

# A lease that ends later than any can have been given is of a clock that was set back: it is over.
# Who is there begins it anew within a second, therefore twice as long.
LEAD = """insert into networks (name, chain_id, term, sequence, rewind, leader, leased_until)
    values (:name, :chain_id, 1, 0, 0, :leader, {now} + :lease_ms)
    on conflict (name) do update set term = networks.term + 1, leader = :leader,
            leased_until = {now} + :lease_ms
        where :wait = 0 or networks.leader = :leader or networks.leased_until is null
            or networks.leased_until <= {now} or networks.leased_until > {now} + 2 * :lease_ms
    returning term, chain_id"""

# What another process has led since has another term.
KEEP_LEAD = """update networks set leased_until = {now} + :lease_ms
    where name = :name and term = :term returning name"""

LEAVE_LEAD = "update networks set leased_until = null where name = :name and term = :term"

SELECT_CHAIN = "select chain_id from networks where name = :name"

SELECT_HEADERS = """select number, hash, parent_hash, timestamp from headers
    where network = :name order by number desc limit :limit"""

SELECT_PLACE = "select sequence, first_block from networks where name = :name"

SELECT_GENESIS = "select genesis from networks where name = :name"

KEEP_GENESIS = "update networks set genesis = :genesis where name = :name and term = :term"

SELECT_REWIND = "select rewind from networks where name = :name"

ASK_REWIND = "update networks set rewind = 1 where name = :name"

CLEAR_REWIND = """update networks set rewind = 0
    where name = :name and rewind = 1 and term = :term returning name"""

# The sequence moves too, so that a matcher which knows of no header reads again.
BEGIN = """update networks set sequence = :sequence
    where name = :name and term = :term
        and not exists (select 1 from headers where network = :name)
    returning name"""

RESUME = """update networks set sequence = case
            when sequence + 1 > :sequence then sequence + 1 else :sequence end,
        rewind = 1, first_block = :first, genesis = null
    where name = :name returning name"""

COUNT_ABOVE = """select count(*) from (select 1 from matches
    where network = :network and block_number > :number and phase <> 'reverted'
    limit :most) as above"""

# Each of the two is one look into an index.
KNOWN_AT = """select number, hash from (
        select number, hash from (select number, hash from headers
            where network = :name and number <= :number order by number desc limit 1) as header
        union all
        select number, hash from (select block_number as number, block_hash as hash from matches
            where network = :name and block_number <= :number and phase <> 'reverted'
            order by block_number desc limit 1) as match
    ) as known order by number desc limit 1"""

KNOWN_OF = """select genesis,
        (select min(number) from headers where network = :name) as oldest_header,
        (select max(number) from headers where network = :name) as newest_header,
        (select block_number from matches where network = :name and phase <> 'reverted'
            order by block_number limit 1) as oldest_match
    from networks where name = :name"""

HOLD_LEAD = "update networks set term = term where name = :name and term = :term returning name"

FORGET_HEADERS = "delete from headers where network = :name"

INSERT_HEADER = """insert into headers (network, number, hash, parent_hash, timestamp)
    values (:network, :number, :hash, :parent_hash, :timestamp)"""


@dataclass(frozen=True, slots=True)
class KnownChain:
    """Between which heights hashes are kept of a chain, and that of its block 0, if it is known."""

    oldest: int
    newest: int
    genesis: Hash | None


async def lead(
    tx: Transaction,
    name: str,
    chain_id: int,
    *,
    leader: str = "",
    lease_ms: int | None = None,
    wait: bool = False,
) -> int | None:
    """Take the lead of a network, which is made if it is new; return the term, 1 for the first.

    leader: names the one who takes it, and who may take it again. lease_ms: None for no end.
    wait: None is returned as long as the lease of another one lasts.
    Raises ConfigError if another chain was followed under this name.
    """
    row = await tx.one(
        LEAD.format(now=tx.now),
        name=name,
        chain_id=chain_id,
        leader=leader,
        lease_ms=lease_ms,
        wait=int(wait),
    )
    known = row["chain_id"] if row else await tx.value(SELECT_CHAIN, name=name)
    if known != chain_id:
        mistake = (
            f"networks.{name}.chain_id: is {chain_id}, but chain {known} has been"
            " followed under this name; give the network another name"
        )
        raise ConfigError("the configuration does not fit the database", [mistake])
    return row["term"] if row else None


async def keep_lead(tx: Transaction, name: str, term: int, lease_ms: int) -> bool:
    """Begin the lease anew; False if somebody else has taken the lead since."""
    kept = await tx.value(KEEP_LEAD.format(now=tx.now), name=name, term=term, lease_ms=lease_ms)
    return kept is not None


async def leave_lead(tx: Transaction, name: str, term: int) -> None:
    """End the lease, if the lead is still that of this term."""
    await tx.run(LEAVE_LEAD, name=name, term=term)


async def terms(tx: Transaction) -> dict[str, int]:
    """Return how often each network's lead was taken."""
    rows = await tx.all("select name, term from networks")
    return {row["name"]: row["term"] for row in rows}


async def chain_ids(tx: Transaction) -> dict[str, int]:
    """Return which chain has been followed under each name."""
    rows = await tx.all("select name, chain_id from networks")
    return {row["name"]: row["chain_id"] for row in rows}


async def headers(tx: Transaction, name: str, limit: int) -> tuple[Header, ...]:
    """Return the newest matched headers, at most `limit` of them, the newest last."""
    rows = await tx.all(SELECT_HEADERS, name=name, limit=limit)
    return tuple(
        Header(row["number"], row["hash"], row["parent_hash"], row["timestamp"])
        for row in reversed(rows)
    )


async def next_blocks(tx: Transaction) -> dict[str, int]:
    """Return the height above the newest matched block of each network that has one."""
    rows = await tx.all("select network, max(number) + 1 as next from headers group by network")
    return {row["network"]: row["next"] for row in rows}


async def position_of(tx: Transaction, name: str, keep: int) -> Position:
    """Return where a chain's matching stands, with at most `keep` headers."""
    row = await tx.one(SELECT_PLACE, name=name)
    known = await headers(tx, name, keep)
    if row is None:
        return Position(0, known)
    return Position(row["sequence"], known, None if known else row["first_block"])


async def genesis_of(tx: Transaction, name: str) -> Hash | None:
    """Return the hash of block 0 of the chain that is followed, None where it is not known."""
    genesis: Hash | None = await tx.value(SELECT_GENESIS, name=name)
    return genesis


async def keep_genesis(tx: Transaction, name: str, term: int, genesis: Hash) -> None:
    """Keep the hash of block 0, if the lead is still that of this term."""
    await tx.run(KEEP_GENESIS, name=name, term=term, genesis=genesis)


async def begin(
    tx: Transaction, name: str, *, term: int, sequence: int, before: Sequence[Header]
) -> bool:
    """Store the headers below the first block that will be matched, the newest last.

    They are what a reorg of the first blocks goes back to. False, and nothing is stored, if the
    network has headers already or somebody else leads it.
    """
    if await tx.value(BEGIN, name=name, term=term, sequence=sequence) is None:
        return False
    await _store(tx, name, before)
    return True


async def resume(
    tx: Transaction,
    name: str,
    *,
    before: Sequence[Header],
    now: int,
    title: NetworkTitle | None = None,
    first: int | None = None,
    sequence: int = 0,
) -> int | None:
    """Go on above the last of these headers, whatever was stored; unix milliseconds.

    Matches above it are reverted: how many, is returned; None if the network is not known. The
    sequence moves, so that nothing which was published before takes effect. title: for people;
    None where the name has to do. first: the height that is read next, wanted where there are no
    headers for it to stand on. sequence: of the last message that was published, where it is known.
    """
    assert before or first is not None
    bare = None if before else first
    if await tx.value(RESUME, name=name, first=bare, sequence=sequence) is None:
        return None
    ancestor = before[-1] if before else Header((first or 0) - 1, "", "", 0)
    saved = await revert_above(tx, name, title or NetworkTitle(name), ancestor, now)
    await tx.run(FORGET_HEADERS, name=name)
    await _store(tx, name, before)
    return saved.reverted


async def count_above(tx: Transaction, name: str, number: int, most: int) -> int:
    """Return how many matches above a height would be reverted, counted up to `most`."""
    count: int = await tx.value(COUNT_ABOVE, network=name, number=number, most=most)
    return count


async def known_chain(tx: Transaction, name: str) -> KnownChain | None:
    """Return what is kept of the chain that was matched; None where nothing was."""
    row = await tx.one(KNOWN_OF, name=name)
    if row is None or row["newest_header"] is None:
        return None
    oldest = min(
        height for height in (row["oldest_header"], row["oldest_match"]) if height is not None
    )
    return KnownChain(oldest, row["newest_header"], row["genesis"])


async def known_at(tx: Transaction, name: str, number: int) -> tuple[int, Hash] | None:
    """Return the newest block at or below a height of which a header or a match keeps the hash."""
    row = await tx.one(KNOWN_AT, name=name, number=number)
    return (row["number"], row["hash"]) if row else None


async def holds_lead(tx: Transaction, name: str, term: int) -> bool:
    """Whether the lead is still that of this term; nobody takes it before the commit."""
    return await tx.value(HOLD_LEAD, name=name, term=term) is not None


async def _store(tx: Transaction, name: str, headers: Sequence[Header]) -> None:
    await tx.many(
        INSERT_HEADER,
        [(name, one.number, one.hash, one.parent_hash, one.timestamp) for one in headers],
    )


async def ask_rewind(tx: Transaction, name: str) -> None:
    """Ask whoever leads the network to go on from the stored headers."""
    await tx.run(ASK_REWIND, name=name)


async def rewind_asked(tx: Transaction, name: str) -> bool:
    """Whether somebody asked for a rewind."""
    return bool(await tx.value(SELECT_REWIND, name=name))


async def take_rewind(tx: Transaction, name: str, term: int) -> bool:
    """Clear the request for a rewind; False if there was none or somebody else leads."""
    return await tx.value(CLEAR_REWIND, name=name, term=term) is not None
