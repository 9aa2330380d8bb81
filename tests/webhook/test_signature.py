"""Signatures, against Standard Webhooks' vectors and its published verifier."""

import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from crypitor.errors import Invalid
from crypitor.webhook.signature import NEW_BYTES, key_of, new_secret, sign
from tests.webhook.shared_cases import cases

VECTORS = ("data", "webhooks", "standard_webhooks_vectors.json")
OLD, NEW = new_secret(b"o" * NEW_BYTES), new_secret(b"n" * NEW_BYTES)


def headers_of(secrets: list[str], body: bytes, timestamp: int | None = None) -> dict[str, str]:
    timestamp = int(time.time()) if timestamp is None else timestamp
    return {
        "webhook-id": "de_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets, "de_1", timestamp, body),
    }


def test_every_published_vector_is_reproduced():
    """The signatures are those that other implementations' tests expect."""
    vectors = cases(*VECTORS)["sign"]

    for vector in vectors:
        letter, times = vector.get("payloadRepeat", ("", 0))
        body = vector.get("payload", letter * times).encode()
        signed = sign([vector["secret"]], vector["id"], vector["timestamp"], body)

        assert signed == vector["expected"], vector["name"]
    assert len(vectors) >= 6


def test_secrets_are_accepted_and_refused_as_published():
    """Only `whsec_` with base64 of 24 to 64 bytes is a secret."""
    for case in cases(*VECTORS)["secrets"]:
        if case["valid"]:
            assert 24 <= len(key_of(case["secret"])) <= 64
        else:
            with pytest.raises(Invalid):
                key_of(case["secret"])


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_new_secret_holds_the_bytes_it_was_made_of(size):
    """A secret is text around the key and nothing else."""
    assert key_of(new_secret(bytes(range(size)))) == bytes(range(size))


@pytest.mark.parametrize("size", [0, 23, 65])
def test_a_secret_of_the_wrong_size_is_not_made(size):
    """Fewer than 24 or more than 64 bytes are refused before anybody signs with them."""
    with pytest.raises(Invalid):
        new_secret(bytes(size))


@pytest.mark.parametrize("body", [b"", b"{}", '{"label":"Käse 😀"}'.encode()])
def test_the_published_verifier_accepts_what_is_signed(body):
    """Any body that is UTF-8 verifies with the reference library."""
    Webhook(NEW).verify(body, headers_of([NEW], body), json_parse=False)


def test_during_a_rotation_both_secrets_verify():
    """A list of secrets gives a list of signatures, each of which is enough."""
    headers = headers_of([NEW, OLD], b"{}")

    assert Webhook(NEW).verify(b"{}", headers) == {}
    assert Webhook(OLD).verify(b"{}", headers) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "de_2"},
        {"webhook-timestamp": str(int(time.time()) + 1)},
        {"webhook-signature": sign([OLD], "de_1", int(time.time()), b"{}")},
    ],
)
def test_the_signature_covers_id_time_and_secret(change):
    """Change any of them and the reference library refuses."""
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(b"{}", headers_of([NEW], b"{}") | change)


def test_the_signature_covers_the_body():
    """One byte more and the reference library refuses."""
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(b"{} ", headers_of([NEW], b"{}"))
