"""Secrets in the database: sealed, moved to a new key, and what is said when a key is missing."""

from dataclasses import replace

import pytest

from crypitor.database.endpoints import get_endpoint, insert_endpoint, update_endpoint
from crypitor.database.engine import Database
from crypitor.database.idempotency import Repeatable, claim, keep_answer
from crypitor.database.reseal import seal_all
from crypitor.database.seal import Seal, SealError
from crypitor.errors import ConfigError
from crypitor.webhook.delivery import Endpoint, OldSecret
from crypitor.webhook.signature import new_secret
from crypitor.webhook.tls import Tls

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
ENDPOINT = Endpoint(
    "ep_1",
    "pr_1",
    "https://hooks.example.com/canary-token",
    new_secret(b"c" * 32),
    headers={"Authorization": "Bearer canary"},
    old_secrets=(OldSecret(new_secret(b"d" * 32), 5),),
)


@pytest.fixture
def opened(database_url):
    """Open the database with keys, the first of which seals."""
    return lambda *keys: Database.open(database_url, seal=Seal(keys))


async def prepare(database) -> None:
    async def work(tx):
        await tx.run("insert into projects (id, name, created_at) values ('pr_1', 'default', 0)")
        await insert_endpoint(tx, ENDPOINT)

    await database.write(work)


async def read(database) -> Endpoint:
    return await database.read(lambda tx: get_endpoint(tx, "pr_1", "ep_1"))


async def row(database) -> str:
    return str(await database.read(lambda tx: tx.one("select * from endpoints")))


async def test_with_a_key_nothing_secret_is_in_the_row(opened):
    """Neither secrets, nor headers, nor the URL; and all of it is read as it was."""
    async with opened(NEW) as database:
        await prepare(database)
        stored = await row(database)

        assert await read(database) == ENDPOINT
    assert not [word for word in ("whsec_", "canary", "Bearer", "hooks") if word in stored]
    assert stored.count("sealed:1:") == 4


async def test_without_a_key_rows_are_as_before(opened):
    """Nobody has to have one."""
    async with opened() as database:
        await prepare(database)

        assert await read(database) == ENDPOINT
        assert await seal_all(database) == 0
        assert ENDPOINT.secret in await row(database)


@pytest.mark.parametrize("before", [[], [OLD]], ids=["plain", "an older key"])
async def test_at_start_everything_is_sealed_by_the_newest_key(opened, before):
    """Once; afterwards that key is enough."""
    async with opened(*before) as database:
        await prepare(database)
    async with opened(NEW, OLD) as database:
        counts = [await seal_all(database), await seal_all(database)]
    async with opened(NEW) as database:
        await seal_all(database)

        assert await read(database) == ENDPOINT
    assert counts == [1, 0]


@pytest.mark.parametrize(
    "keys, sentence",
    [
        (
            [],
            "webhook.secrets_key: is missing, and the secrets of 1 endpoint are sealed by the key",
        ),
        ([OTHER], "webhook.secrets_key: the secrets of 1 endpoint are sealed by another key ("),
    ],
)
async def test_a_missing_key_is_told_at_start(opened, keys, sentence):
    """As a mistake of the configuration, before anything is changed."""
    async with opened(NEW) as database:
        await prepare(database)
    async with opened(*keys) as database:
        before = await row(database)
        with pytest.raises(ConfigError) as told:
            await seal_all(database)

        assert told.value.mistakes[0].startswith(sentence)
        assert await row(database) == before


async def test_a_sealed_text_opens_only_where_it_belongs(opened):
    """Whoever can write rows cannot put one endpoint's secret into another's."""
    seal = Seal([NEW])
    sealed = seal.seal("whsec_x", "endpoints.secret ep_1")

    assert seal.open(sealed, "endpoints.secret ep_1") == "whsec_x"
    with pytest.raises(SealError):
        seal.open(sealed, "endpoints.secret ep_2")
    with pytest.raises(SealError):
        seal.open(sealed[:-8] + "AAAAAAA=", "endpoints.secret ep_1")


async def test_answers_that_are_kept_for_repetitions_are_sealed(opened):
    """The answer that made an endpoint holds its secret."""
    request = Repeatable("pr_1", "key", "hash")

    async def answer(tx):
        await claim(tx, request, 0)
        await keep_answer(tx, request, 201, '{"secret":"whsec_canary"}')

    async with opened(NEW) as database:
        await database.write(answer)
        stored = await database.read(lambda tx: tx.value("select body from idempotency"))

        assert "canary" not in stored
        repeated = await database.write(lambda tx: claim(tx, request, 0))
        assert repeated == '{"secret":"whsec_canary"}'


async def test_tls_of_an_endpoints_own_is_sealed_and_moves_to_a_new_key(opened):
    """The private key of a client certificate is as secret as what signs."""
    tls = Tls("canary-ca", "canary-certificate", "canary-key")

    async def with_tls(tx):
        await update_endpoint(tx, replace(ENDPOINT, tls=tls))

    async with opened(OLD) as database:
        await prepare(database)
        await database.write(with_tls)
        assert "canary" not in await row(database)
    async with opened(NEW, OLD) as database:
        await seal_all(database)
    async with opened(NEW) as database:
        assert (await read(database)).tls == tls
