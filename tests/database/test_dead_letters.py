from crypitor.database.dead_letters import (
    dead_letter,
    delete_dead_letter,
    get_dead_letter,
    insert_dead_letter,
    list_dead_letters,
)

LETTER = dead_letter("t.blocks", 3, 2**40, b"1", b"\x00\xff poison", "unknown version\0", 7)


async def test_is_kept_as_it_was_read(database):
    """Bytes come back as they were; what a database cannot hold in a text is replaced."""
    await database.write(lambda tx: insert_dead_letter(tx, LETTER))

    found = await database.read(lambda tx: get_dead_letter(tx, LETTER.id))

    assert (found.key, found.value) == (b"1", b"\x00\xff poison")
    assert (found.topic, found.partition, found.offset) == ("t.blocks", 3, 2**40)
    assert found.reason == "unknown version\N{REPLACEMENT CHARACTER}"


async def test_is_kept_once(database):
    """A record that is read again, as at-least-once allows, is the same letter."""
    for _ in range(2):
        await database.write(lambda tx: insert_dead_letter(tx, LETTER))

    assert [letter.id for letter in await database.read(lambda tx: list_dead_letters(tx, 10))] == [
        LETTER.id
    ]


async def test_is_another_one_after_the_topic_began_anew(database):
    """The same place with other bytes is another record."""
    other = dead_letter("t.blocks", 3, 2**40, b"1", b"other", "unknown version", 8)
    for letter in (LETTER, other):
        await database.write(lambda tx, letter=letter: insert_dead_letter(tx, letter))

    assert len(await database.read(lambda tx: list_dead_letters(tx, 10))) == 2


async def test_is_forgotten(database):
    """Once, and then it is not there."""
    await database.write(lambda tx: insert_dead_letter(tx, LETTER))

    assert await database.write(lambda tx: delete_dead_letter(tx, LETTER.id))
    assert not await database.write(lambda tx: delete_dead_letter(tx, LETTER.id))
    assert await database.read(lambda tx: get_dead_letter(tx, LETTER.id)) is None
