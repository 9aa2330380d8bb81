"""The receiver that every installation has itself."""

import json
import time
from dataclasses import replace

import pytest
from standardwebhooks import Webhook

from crypitor.webhook.delivery import OldSecret
from crypitor.webhook.own_receiver import OWN_RECEIVER, TAKEN, is_own_receiver, seen_of
from crypitor.webhook.post import Poster, request_headers
from crypitor.webhook.signature import Signature, new_secret
from tests.webhook.posting import BODY, endpoint, post
from tests.webhook.receivers import SECRET

ASYMMETRIC = new_secret(bytes(range(32)), Signature.ASYMMETRIC)


async def test_a_webhook_is_taken_and_verified():
    """By HTTP, though nothing may be called but public addresses; the answer says what was seen."""
    async with Poster() as poster:
        outcome = await post(poster, OWN_RECEIVER)

    assert (outcome.status_code, outcome.error) == (200, None)
    assert json.loads(outcome.answer) == {
        "received": None,
        "signature": "verified",
        "webhook_id": "de_1",
        "body_bytes": len(BODY),
    }


async def test_the_type_of_a_standard_body_is_told():
    """As it stands in the body."""
    body = b'{"type":"match.detected","data":{}}'
    async with Poster() as poster:
        outcome = await poster.post(endpoint(OWN_RECEIVER), "de_1", body, int(time.time() * 1000))

    assert json.loads(outcome.answer)["received"] == "match.detected"


@pytest.mark.parametrize("secret", [SECRET, ASYMMETRIC])
async def test_either_kind_of_secret_verifies(secret):
    """The newest one, while the one before signs too."""
    now = int(time.time() * 1000)
    both = replace(
        endpoint(OWN_RECEIVER),
        secret=secret,
        old_secrets=(OldSecret(new_secret(bytes(32)), now + 60_000),),
    )
    async with Poster() as poster:
        outcome = await poster.post(both, "de_1", BODY, now)

    assert outcome.succeeded
    assert json.loads(outcome.answer)["signature"] == "verified"


def test_what_it_verifies_is_what_standard_webhooks_verifies():
    """The library of the specification and ours agree on the same request."""
    headers = request_headers(endpoint(OWN_RECEIVER), "de_1", BODY, int(time.time() * 1000))
    Webhook(SECRET).verify(BODY.decode(), headers)

    assert seen_of(headers, BODY, SECRET).signature == "verified"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "de_2"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "now"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,AAAA v1,%%%"},
        {"webhook-signature": "v1a,AAAA"},
        {"webhook-signature": ""},
    ],
)
@pytest.mark.parametrize("secret", [SECRET, ASYMMETRIC])
def test_anything_else_is_not_verified(secret, change):
    """An id, a time or a signature that is not the one that was signed."""
    signed = replace(endpoint(OWN_RECEIVER), secret=secret)
    headers = request_headers(signed, "de_1", BODY, int(time.time() * 1000))

    assert seen_of(headers, BODY, secret).signature == "verified"
    assert seen_of({**headers, **change}, BODY, secret).signature != "verified"
    assert seen_of(headers, BODY + b" ", secret).signature != "verified"


async def test_a_large_body_arrives_whole():
    """Larger than any buffer between the two ends."""
    body = b'{"type":"match.detected","data":"' + b"x" * (3 << 20) + b'"}'
    async with Poster() as poster:
        outcome = await poster.post(endpoint(OWN_RECEIVER), "de_1", body, int(time.time() * 1000))

    assert outcome.succeeded
    assert json.loads(outcome.answer)["body_bytes"] == len(body)


@pytest.mark.parametrize("form", TAKEN)
async def test_bodies_that_receivers_read_are_taken(form):
    """The original's as well as ours."""
    async with Poster() as poster:
        outcome = await post(poster, OWN_RECEIVER, format=form)

    assert outcome.succeeded


@pytest.mark.parametrize(
    "url, own",
    [
        ("test://receiver", True),
        ("TEST://Receiver/", True),
        ("test://receiver.example.com", False),
        ("test://receiver:80", False),
        ("https://receiver", False),
        ("test://", False),
    ],
)
def test_nothing_else_is_taken_for_it(url, own):
    """Only its own name."""
    assert is_own_receiver(url) is own
