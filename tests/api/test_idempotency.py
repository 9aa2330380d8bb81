"""Writes with an Idempotency-Key are done once and answered the same."""

import asyncio
import io

import pytest

from crypitor.database.idempotency import KEPT_MS

ALL_DATABASES = True
MONITORS = "/v1/monitors"
BODY = {
    "networks": ["ethereum"],
    "addresses": ["0x" + "a" * 40],
    "webhook": {"url": "https://example.com"},
}
KEY = {"Idempotency-Key": "order-1"}


async def count(api, table: str) -> int:
    """Return how many rows a table has."""
    return await api.context.database.read(lambda tx: tx.value(f"select count(*) from {table}"))


async def test_repetition_gets_the_first_answer(api):
    """The second answer is the first one, and says that it is."""
    first, made = await api.call("POST", MONITORS, json=BODY, headers=KEY)
    second, again = await api.call("POST", MONITORS, json=BODY, headers=KEY)

    assert again == made
    assert (first.status, second.status) == (201, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (await count(api, "monitors"), await count(api, "endpoints")) == (1, 1)


async def test_other_request_with_the_same_key_is_a_conflict(api):
    """The same key with another body, or for another path, is 409."""
    await api.call("POST", MONITORS, json=BODY, headers=KEY)

    body, _ = await api.call("POST", MONITORS, json={**BODY, "name": "x"}, headers=KEY)
    path, _ = await api.call("POST", "/v1/endpoints", json=BODY["webhook"], headers=KEY)

    assert (body.status, path.status) == (409, 409)


async def test_concurrent_requests_make_one_thing(api):
    """Twenty requests with one key at the same time make one monitor and get one answer."""
    answers = await asyncio.gather(
        *(api.call("POST", MONITORS, json=BODY, headers=KEY) for _ in range(20))
    )

    assert {answer.status for answer, _ in answers} == {201}
    assert len({document["id"] for _, document in answers}) == 1
    assert await count(api, "monitors") == 1


async def test_refusal_is_not_kept(api):
    """After a refusal the same key can be used with the right body."""
    refused, _ = await api.call("POST", MONITORS, json={**BODY, "endpoints": ["x"]}, headers=KEY)

    made, _ = await api.call("POST", MONITORS, json=BODY, headers=KEY)

    assert (refused.status, made.status) == (404, 201)


async def test_key_is_free_again_after_a_day(api):
    """After 24 hours the key stands for a new request."""
    _, first = await api.call("POST", MONITORS, json=BODY, headers=KEY)
    api.clock.now += KEPT_MS + 1

    _, second = await api.call("POST", MONITORS, json=BODY, headers=KEY)

    assert first["id"] != second["id"]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_change_and_deletion_are_repeatable(api, method):
    """PATCH and DELETE with a key answer the same again, though the thing may be gone."""
    made = await api.made(MONITORS, BODY)
    options = {"json": {"name": "n"}} if method == "PATCH" else {}

    _, first = await api.call(method, f"{MONITORS}/{made['id']}", headers=KEY, **options)
    second, again = await api.call(method, f"{MONITORS}/{made['id']}", headers=KEY, **options)

    assert (second.status, again) == (200, first)


async def test_secret_of_a_key_is_not_kept(api):
    """A repeated POST /v1/keys tells the key without its secret, which is stored nowhere."""
    _, made = await api.call("POST", "/v1/keys", json={"name": "x"}, headers=KEY)
    _, again = await api.call("POST", "/v1/keys", json={"name": "x"}, headers=KEY)

    kept = await api.context.database.read(lambda tx: tx.all("select body from idempotency"))
    assert again == {**made, "secret": None}
    assert made["secret"] not in str(kept)


async def test_stream_is_repeatable(api):
    """Adding addresses with a key answers the same again; with another body it is 409."""
    made = await api.made(MONITORS, BODY)
    path = f"{MONITORS}/{made['id']}/addresses"

    async def add(text: str):
        headers = {**KEY, "Content-Type": "text/csv"}
        return await api.call("POST", path, data=io.BytesIO(text.encode()), headers=headers)

    _, first = await add("0x" + "b" * 40)
    second, again = await add("0x" + "b" * 40)
    other, _ = await add("0x" + "c" * 40)

    assert (first["added"], again) == (1, first)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert other.status == 409
