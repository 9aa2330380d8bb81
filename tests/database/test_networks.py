import pytest

from crypitor.database.networks import (
    ask_rewind,
    begin,
    headers,
    keep_lead,
    lead,
    leave_lead,
    position_of,
    rewind_asked,
    take_rewind,
)
from crypitor.errors import ConfigError
from crypitor.evm.types import Header
from crypitor.monitor.position import Position

HEADERS = tuple(
    Header(number, f"0x{number}", f"0x{number - 1}", 1000 + number) for number in (7, 8, 9)
)


async def test_each_lead_is_a_new_term(database):
    """Whoever takes the lead gets a higher term than all before, for each network by itself."""
    terms = [await database.write(lambda tx: lead(tx, "ethereum", 1)) for _ in range(3)]

    assert terms == [1, 2, 3]
    assert await database.write(lambda tx: lead(tx, "base", 8453)) == 1


async def test_a_name_belongs_to_one_chain(database):
    """Another chain id under a known name is refused, and changes nothing."""
    await database.write(lambda tx: lead(tx, "ethereum", 1))

    with pytest.raises(ConfigError, match=r"networks\.ethereum\.chain_id"):
        await database.write(lambda tx: lead(tx, "ethereum", 5))

    assert await database.write(lambda tx: lead(tx, "ethereum", 1)) == 2


async def leading(database, leader, lease_ms=60_000):
    return await database.write(
        lambda tx: lead(tx, "ethereum", 1, leader=leader, lease_ms=lease_ms, wait=True)
    )


async def test_a_lease_keeps_others_away(database):
    """While it lasts, nobody but its holder takes the lead, who may take it again."""
    terms = [await leading(database, leader) for leader in ("one", "two", "one", "two")]

    assert terms == [1, None, 2, None]


async def test_a_lease_that_is_over_passes_on(database):
    """Whoever comes after its end takes the lead; the holder before cannot keep it any more."""
    terms = [await leading(database, "one", lease_ms=0), await leading(database, "two")]
    kept = [
        await database.write(lambda tx, term=term: keep_lead(tx, "ethereum", term, 60_000))
        for term in terms
    ]

    assert terms == [1, 2]
    assert kept == [False, True]


async def test_a_lease_that_is_begun_anew_lasts(database):
    """It counts from the last time that it was begun, by the database's clock."""
    term = await leading(database, "one", lease_ms=0)
    await database.write(lambda tx: keep_lead(tx, "ethereum", term, 60_000))

    assert await leading(database, "two") is None


async def test_a_lead_that_is_left_is_free(database):
    """Who leaves is not waited for; leaving in an old term changes nothing."""
    term = await leading(database, "one")
    await database.write(lambda tx: leave_lead(tx, "ethereum", term - 1))
    early = await leading(database, "two")
    await database.write(lambda tx: leave_lead(tx, "ethereum", term))

    assert early is None
    assert await leading(database, "two") == term + 1


async def begun(database, term=1, sequence=77):
    return await database.write(
        lambda tx: begin(tx, "ethereum", term=term, sequence=sequence, before=HEADERS)
    )


async def test_begins_with_the_headers_below_the_first_block(database):
    """The stored headers are the position from which matching begins."""
    await database.write(lambda tx: lead(tx, "ethereum", 1))

    assert await begun(database)
    assert await database.read(lambda tx: position_of(tx, "ethereum", 9)) == Position(77, HEADERS)


async def test_begins_once(database):
    """Headers that are there are not touched."""
    await database.write(lambda tx: lead(tx, "ethereum", 1))
    await begun(database)

    assert not await begun(database, sequence=99)
    assert await database.read(lambda tx: position_of(tx, "ethereum", 9)) == Position(77, HEADERS)


async def test_only_the_leader_begins(database):
    """A worker that was replaced stores nothing."""
    await database.write(lambda tx: lead(tx, "ethereum", 1))
    await database.write(lambda tx: lead(tx, "ethereum", 1))

    assert not await begun(database, term=1)
    assert await database.read(lambda tx: position_of(tx, "ethereum", 9)) == Position(0, ())


async def test_gives_the_newest_headers(database):
    """A limit leaves out the oldest; the newest stands last."""
    await database.write(lambda tx: lead(tx, "ethereum", 1))
    await begun(database)

    assert await database.read(lambda tx: headers(tx, "ethereum", 2)) == HEADERS[1:]


async def test_an_unknown_network_stands_nowhere(database):
    """Before anybody led a network, its position is empty."""
    assert await database.read(lambda tx: position_of(tx, "ethereum", 9)) == Position(0, ())
    assert not await database.read(lambda tx: rewind_asked(tx, "ethereum"))


async def test_a_rewind_is_taken_once(database):
    """A request for a rewind is there until it is taken, for its network alone."""
    for name, chain_id in (("ethereum", 1), ("base", 8453)):
        await database.write(lambda tx, name=name, chain_id=chain_id: lead(tx, name, chain_id))
    await database.write(lambda tx: ask_rewind(tx, "ethereum"))

    assert await database.read(lambda tx: rewind_asked(tx, "ethereum"))
    assert not await database.read(lambda tx: rewind_asked(tx, "base"))
    assert not await database.write(lambda tx: take_rewind(tx, "ethereum", term=0))
    assert await database.write(lambda tx: take_rewind(tx, "ethereum", term=1))
    assert not await database.write(lambda tx: take_rewind(tx, "ethereum", term=1))
    assert not await database.read(lambda tx: rewind_asked(tx, "ethereum"))
