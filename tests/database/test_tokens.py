from crypitor.database.tokens import (
    GOOD_FOR_MS,
    NOTHING_FOR_MS,
    find_tokens,
    put_off_token,
    store_token,
    wanted_tokens,
)  # fmt: skip
from crypitor.evm.metadata import NOTHING, Token
from crypitor.monitor.tokens import Kept

USDC = Token("USD Coin", "USDC", 6)


class Shelf:
    """The table of one network."""

    def __init__(self, database):
        self.database = database

    async def find(self, *contracts, now=0):
        return await self.database.write(lambda tx: find_tokens(tx, "ethereum", contracts, now))

    async def wanted(self, limit=10):
        return await self.database.read(lambda tx: wanted_tokens(tx, "ethereum", limit))

    async def store(self, contract, token, now=0):
        await self.database.write(lambda tx: store_token(tx, "ethereum", contract, token, now))


async def test_an_unknown_contract_becomes_wanted_once(database):
    """
    The matcher finds nothing, and whoever has nodes finds what to ask.
    """
    shelf = Shelf(database)
    found = [await shelf.find("0xa"), await shelf.find("0xa", "0xb")]

    assert found == [{}, {"0xa": Kept(NOTHING, None)}]
    assert await shelf.wanted() == ["0xa", "0xb"]
    assert await shelf.wanted(limit=1) == ["0xa"]


async def test_what_was_stored_is_found(database):
    """
    It is good for its time and nobody has to ask again.
    """
    shelf = Shelf(database)
    await shelf.find("0xa", "0xb")
    await shelf.store("0xa", USDC, now=5)
    await shelf.store("0xb", NOTHING, now=5)

    assert await shelf.find("0xa", "0xb", now=6) == {
        "0xa": Kept(USDC, 5 + GOOD_FOR_MS),
        "0xb": Kept(NOTHING, 5 + NOTHING_FOR_MS),
    }
    assert await shelf.wanted() == []


async def test_what_is_too_old_is_used_and_asked_again(database):
    """
    A silent contract is asked again after a day; a token keeps its name while it is asked.
    """
    shelf = Shelf(database)
    await shelf.find("0xa", "0xb")
    await shelf.store("0xa", USDC)
    await shelf.store("0xb", NOTHING)
    day_after = await shelf.find("0xa", "0xb", now=NOTHING_FOR_MS)
    wanted = await shelf.wanted()
    found = await shelf.find("0xa", now=GOOD_FOR_MS)

    assert day_after["0xa"] == Kept(USDC, GOOD_FOR_MS)
    assert (day_after["0xb"], wanted) == (Kept(NOTHING, None), ["0xb"])
    assert found == {"0xa": Kept(USDC, None)}
    assert sorted(await shelf.wanted()) == ["0xa", "0xb"]


async def test_a_contract_that_falls_silent_keeps_its_name(database):
    """
    A proxy between two implementations, or a node that answers nonsense, takes nothing away.
    """
    shelf = Shelf(database)
    await shelf.find("0xa")
    await shelf.store("0xa", USDC)
    await shelf.store("0xa", Token("USDC 2", None, None))

    assert await shelf.find("0xa") == {"0xa": Kept(Token("USDC 2", "USDC", 6), GOOD_FOR_MS)}


async def test_what_cannot_be_asked_waits_behind_the_others(database):
    """
    One contract that no node can answer for holds up nobody.
    """
    shelf = Shelf(database)
    await shelf.find("0xa", "0xb")
    await database.write(lambda tx: put_off_token(tx, "ethereum", "0xa", now=1))

    assert await shelf.wanted() == ["0xb", "0xa"]
