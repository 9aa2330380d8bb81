"""Projects and keys in the database."""

import os
import re
import zlib

import pytest

from crypitor.database.keys import (
    CONFIGURED_KEY,
    Scope,
    create_key,
    create_project,
    ensure_admin,
    ensure_project,
    find_caller,
    is_mistyped,
    list_keys,
    make_secret,
    revoke_key,
)


async def who(database, secret: str):
    """Return whom a secret lets in."""
    return await database.read(lambda tx: find_caller(tx, secret))


async def start(database, configured: str | None = None, now: int = 1) -> str | None:
    """Do what a start does."""
    return await database.write(lambda tx: ensure_admin(tx, configured, now, os.urandom))


async def test_first_start_makes_an_admin_key(database):
    """With an empty database the first start makes a key, and the second one none."""
    first = await start(database)
    second = await start(database)

    caller = await who(database, first)
    assert (caller.scope, caller.operator, second) == (Scope.ADMIN, True, None)


async def test_configured_key_is_the_admin_key(database):
    """With a secret in the configuration that one opens, and no other is made."""
    made = await start(database, "chosen-by-the-operator")

    caller = await who(database, "chosen-by-the-operator")
    keys = await database.read(lambda tx: list_keys(tx, None))
    assert made is None
    assert (caller.key_id, caller.scope, len(keys)) == (CONFIGURED_KEY, Scope.ADMIN, 1)


async def test_changed_configuration_changes_the_key(database):
    """Another secret in the configuration closes the first; none closes both; it can come back."""
    opened = []
    for number, configured in enumerate(["first", "second", None, "first"]):
        await start(database, configured, number + 1)
        opened.append([await who(database, secret) is not None for secret in ("first", "second")])

    assert opened == [[True, False], [False, True], [False, False], [True, False]]


async def test_configured_secret_may_be_that_of_a_key(database):
    """The secret of a key that was made may be put into the configuration: one key, that one."""
    secret = await start(database)
    await start(database, secret)
    await start(database, None)

    keys = await database.read(lambda tx: list_keys(tx, None))
    assert len(keys) == 1
    assert await who(database, secret) is not None


async def test_only_keys_of_the_first_project_are_the_operators(database):
    """A key of a later project is no operator's."""

    async def unit(tx):
        await ensure_project(tx, 1, os.urandom)
        other = await create_project(tx, "other", 2, os.urandom)
        return await create_key(tx, other.id, "x", Scope.ADMIN, 3, os.urandom)

    key, secret = await database.write(unit)

    caller = await who(database, secret)
    assert (caller.key_id, caller.project_id) == (key.id, key.project_id)
    assert caller.operator is False


async def test_revoked_key_opens_nothing(database):
    """A revoked key lets nobody in; its first time of revocation stays."""
    await start(database)
    [key] = await database.read(lambda tx: list_keys(tx, None))
    for now in (5, 6):
        await database.write(lambda tx, now=now: revoke_key(tx, key.project_id, key.id, now))

    [revoked] = await database.read(lambda tx: list_keys(tx, key.project_id))
    assert revoked.revoked_at == 5


async def test_key_of_another_project_is_not_revoked(database):
    """Revoking needs the key's own project."""
    await start(database)
    [key] = await database.read(lambda tx: list_keys(tx, None))

    assert await database.write(lambda tx: revoke_key(tx, "pr_other", key.id, 5)) is False


def test_form_of_a_secret():
    """`ke_`, id, 43 characters for 32 bytes, and 6 for the CRC-32 of all before."""
    secret = make_secret("ke_" + "0" * 26, b"\xff" * 32)

    found = re.fullmatch(r"(ke_0{26}_[0-9A-Za-z]{43})([0-9A-Za-z]{6})", secret)
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    checksum = 0
    for digit in found[2]:
        checksum = checksum * 62 + digits.index(digit)
    assert checksum == zlib.crc32(found[1].encode())


@pytest.mark.parametrize("place", [4, 30, 50, 78])
def test_one_wrong_character_is_noticed(place):
    """The checksum tells a mistyped key; the right one and foreign texts are not called mistyped."""
    secret = make_secret("ke_" + "0" * 26, bytes(range(32)))
    wrong = secret[:place] + ("1" if secret[place] != "1" else "2") + secret[place + 1 :]

    assert (is_mistyped(secret), is_mistyped(wrong) or wrong[29] != "_") == (False, True)
    assert is_mistyped("chosen-by-the-operator") is False
