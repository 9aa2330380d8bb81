"""Answers kept for repeated requests."""

import asyncio

import pytest

from crypitor.database.idempotency import KEPT_MS, Repeatable, claim, is_known, keep_answer
from crypitor.errors import Conflict

REQUEST = Repeatable("pr_1", "key", "hash")


async def answer(database, request: Repeatable, text: str, now: int = KEPT_MS) -> str:
    """Return the answer that was given, or give this one."""

    async def unit(tx):
        given = await claim(tx, request, now)
        if given is None:
            await keep_answer(tx, request, 201, text)
        return given or text

    return await database.write(unit)


async def test_first_answer_is_given_again(database):
    """The second time the first answer comes back."""
    await answer(database, REQUEST, "first")

    assert await answer(database, REQUEST, "second") == "first"


async def test_other_hash_is_a_conflict(database):
    """The same key with another request raises Conflict."""
    await answer(database, REQUEST, "first")

    with pytest.raises(Conflict):
        await answer(database, Repeatable("pr_1", "key", "other"), "second")


async def test_projects_have_keys_of_their_own(database):
    """Another project's key of the same text is another key."""
    await answer(database, REQUEST, "first")

    assert await answer(database, Repeatable("pr_2", "key", "hash"), "second") == "second"


async def test_undone_change_leaves_no_claim(database):
    """A change that fails gives its key back."""

    async def failing(tx):
        await claim(tx, REQUEST, KEPT_MS)
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(failing)

    assert await answer(database, REQUEST, "second") == "second"


async def test_concurrent_claims_get_one_answer(database):
    """Whoever comes while the first is at work waits and gets its answer."""
    given = await asyncio.gather(*(answer(database, REQUEST, str(n)) for n in range(10)))

    assert len(set(given)) == 1


async def test_answers_are_forgotten_after_a_day(database):
    """A day later the key is free, and old rows are gone."""
    await answer(database, REQUEST, "first", now=1)
    later = KEPT_MS + 2

    known = await database.read(lambda tx: is_known(tx, "pr_1", "key", later))

    assert known is False
    assert await answer(database, REQUEST, "second", now=later) == "second"
