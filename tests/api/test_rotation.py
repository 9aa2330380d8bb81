"""Signing secrets through the REST API: replaced, given, of both kinds."""

import pytest
from standardwebhooks.webhooks import Webhook

from crypitor.webhook.signature import Signature, new_secret
from tests.api.conftest import START

ENDPOINTS = "/v1/endpoints"
BODY = {"url": "https://example.com/hook"}
DAY_MS = 24 * 3600 * 1000
OWN = new_secret(b"w" * 24)


@pytest.fixture
async def made(api):
    """Return an endpoint with its secret."""
    return await api.made(ENDPOINTS, BODY)


async def rotate(api, endpoint, body=None, **options):
    path = f"{ENDPOINTS}/{endpoint['id']}/rotate"
    return await api.call("POST", path, **({"json": body} if body is not None else {}), **options)


async def secrets(api, endpoint):
    _, document = await api.call("GET", f"{ENDPOINTS}/{endpoint['id']}/secret")
    return document


@pytest.mark.parametrize("body", [None, {}])
async def test_a_rotation_makes_a_new_secret_and_shows_the_old_one(api, made, body):
    """The old one with the time until which it signs: a day later."""
    answer, rotated = await rotate(api, made, body)

    assert answer.status == 200
    Webhook(rotated["secret"])
    assert rotated["secret"] != made["secret"]
    assert rotated["old_secrets"] == [
        {
            "secret": made["secret"],
            "signature": "v1",
            "public_key": None,
            "signs_until": "2026-09-22T14:13:20.000Z",
        }
    ]
    assert await secrets(api, made) == rotated


async def test_the_old_secret_is_gone_after_a_day(api, made):
    """It is neither shown nor does it sign."""
    await rotate(api, made)
    api.clock.now = START + DAY_MS - 1
    before = await secrets(api, made)
    api.clock.now += 1
    after = await secrets(api, made)

    assert (len(before["old_secrets"]), len(after["old_secrets"])) == (1, 0)


async def test_rotated_twice_in_a_day_all_three_sign(api, made):
    """Each old one has its own day; the newest is first."""
    _, first = await rotate(api, made)
    api.clock.now += 1000
    _, second = await rotate(api, made)

    assert [old["secret"] for old in second["old_secrets"]] == [first["secret"], made["secret"]]


async def test_there_are_at_most_ten_secrets(api, made):
    """A header has to end somewhere."""
    statuses = [(await rotate(api, made))[0].status for _ in range(10)]

    assert statuses == [200] * 9 + [400]


async def test_a_secret_of_ones_own_is_taken(api, made):
    """24 to 64 bytes; given again, an old one signs as the newest."""
    _, rotated = await rotate(api, made, {"secret": OWN})
    _, back = await rotate(api, made, {"secret": made["secret"]})

    assert rotated["secret"] == OWN
    assert back["secret"] == made["secret"]
    assert [old["secret"] for old in back["old_secrets"]] == [OWN]


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({"secret": "whsec_c2hvcnQ="}, "/secret"),
        ({"secret": "secret"}, "/secret"),
        ({"secret": "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="}, "/secret"),
        ({"secret": OWN, "signature": "v1a"}, "/signature"),
        ({"signature": "v2"}, "/signature"),
        ({"key": "x"}, "/key"),
    ],
)
async def test_what_cannot_sign_is_refused(api, made, body, pointer):
    """With a pointer, and the secret stays."""
    answer, problem = await rotate(api, made, body)

    assert answer.status == 400
    assert [wrong["pointer"] for wrong in problem["errors"]] == [pointer]
    assert (await secrets(api, made))["secret"] == made["secret"]


async def test_the_secret_that_signs_is_no_new_one(api, made):
    """Nothing would change."""
    answer, problem = await rotate(api, made, {"secret": made["secret"]})

    assert (answer.status, problem["errors"][0]["pointer"]) == (400, "/secret")


async def test_a_repeated_rotation_rotates_once(api, made):
    """With the same Idempotency-Key the same secret is answered."""
    key = {"Idempotency-Key": "once"}
    _, first = await rotate(api, made, headers=key)
    _, again = await rotate(api, made, headers=key)

    assert first == again == await secrets(api, made)


async def test_an_endpoint_may_sign_with_ed25519(api):
    """Receivers get the public key; it is no secret and stands in every answer."""
    made = await api.made(ENDPOINTS, {**BODY, "signature": "v1a"})
    _, read = await api.call("GET", f"{ENDPOINTS}/{made['id']}")

    assert made["secret"].startswith("whsk_")
    assert made["public_key"].startswith("whpk_")
    assert (read["signature"], read["public_key"]) == ("v1a", made["public_key"])


@pytest.mark.parametrize("way", ["rotate", "patch"])
async def test_the_kind_of_signature_can_change(api, made, way):
    """With a day of both, so that receivers can follow."""
    if way == "rotate":
        await rotate(api, made, {"signature": "v1a"})
    else:
        await api.call("PATCH", f"{ENDPOINTS}/{made['id']}", json={"signature": "v1a"})
    now = await secrets(api, made)

    assert now["signature"] == "v1a"
    assert [old["secret"] for old in now["old_secrets"]] == [made["secret"]]


async def test_a_change_of_something_else_leaves_the_secret(api, made):
    """Only `signature` touches it."""
    await api.call("PATCH", f"{ENDPOINTS}/{made['id']}", json={"description": "x"})

    assert (await secrets(api, made))["secret"] == made["secret"]


async def test_the_original_format_needs_a_shared_secret(api):
    """Its own signature is an HMAC."""
    _, problem = await api.call(
        "POST", ENDPOINTS, json={**BODY, "format": "crypitor", "signature": "v1a"}
    )
    made = await api.made(ENDPOINTS, {**BODY, "format": "crypitor"})
    answer, _ = await rotate(api, made, {"signature": Signature.ASYMMETRIC.value})

    assert problem["errors"][0]["pointer"] == "/signature"
    assert answer.status == 400


async def test_strangers_cannot_rotate(api, made, stranger):
    """To another project there is no such endpoint."""
    answer, _ = await rotate(api, made, key=stranger)

    assert answer.status == 404
