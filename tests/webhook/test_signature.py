"""Signatures, against Standard Webhooks' vectors and its published verifier."""

import base64
import math
import re
import subprocess
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from crypitor.errors import Invalid
from crypitor.webhook.signature import (
    NEW_BYTES,
    Signature,
    key_of,
    new_secret,
    public_key,
    sign,
    signature_of,
)
from tests.webhook.shared_cases import cases

VECTORS = ("webhooks", "standard_webhooks_vectors.json")
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


def test_every_published_check_of_a_receiver_is_held():
    """What we sign the published verifier accepts; what the vectors change of it, it refuses."""
    clock = time.time()
    wrong = []
    for vector in cases(*VECTORS)["verify"]:
        headers = filled_in(vector, clock)
        try:
            Webhook(vector["secret"]).verify(vector["payload"].encode(), headers, json_parse=False)
            accepted = True
        except (WebhookVerificationError, ValueError):
            accepted = False
        wrong += [vector["name"]] if accepted != vector["valid"] else []

    assert wrong == []


def filled_in(vector: dict, clock: float) -> dict[str, str]:
    """Return a vector's headers with times, and with our signature of the time they tell."""

    def moment(found: re.Match) -> str:
        offset = int(found[1] or 0)
        # The verifier's clock has fractions: of the second before or after, never both.
        return str((math.ceil(clock) if offset < 0 else int(clock)) + offset)

    headers = {
        name: re.sub(r"\{now([+-]\d+)?\}", moment, value)
        for name, value in vector["headers"].items()
    }
    told = {name.lower(): value for name, value in headers.items()}.get("webhook-timestamp", "")
    timestamp = int(told) if told.isdigit() else int(clock)
    key = vector["secret"].removeprefix("whsec_")
    secret, body = f"whsec_{key}{'=' * (-len(key) % 4)}", vector["payload"].encode()
    signer = sign if is_ours(secret) else standard
    signed = signer([secret], vector["id"], timestamp, body)
    short = signed.removeprefix("v1,")[:8]
    return {
        name: value.replace("{SIG[:8]}", short).replace("{SIG}", signed)
        for name, value in headers.items()
    }


def is_ours(secret: str) -> bool:
    """Whether we take this secret: receivers also verify with shorter ones."""
    try:
        key_of(secret)
    except Invalid:
        return False
    return True


def standard(secrets: list[str], webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the published library's signature."""
    return Webhook(secrets[0]).sign(
        webhook_id, datetime.fromtimestamp(timestamp, UTC), body.decode()
    )


def test_the_published_ed25519_vector_is_reproduced():
    """Signature and public key, from the secret alone."""
    for vector in cases(*VECTORS)["signAsymmetric"]:
        secret = vector["secretKey"]
        signed = sign([secret], vector["id"], vector["timestamp"], vector["payload"].encode())

        assert signed == vector["expected"]
        assert public_key(secret) == vector["publicKey"]
        assert signature_of(secret) is Signature.ASYMMETRIC


def test_another_implementation_verifies_what_ed25519_signs(tmp_path):
    """OpenSSL's command, which has only the public key that is shown."""
    secret = new_secret(b"e" * NEW_BYTES, Signature.ASYMMETRIC)
    version, _, signed = sign([secret], "de_1", 1_790_000_000, b'{"a":1}').partition(",")
    public = base64.b64decode(public_key(secret).removeprefix("whpk_"))
    der = bytes.fromhex("302a300506032b6570032100") + public  # RFC 8410, section 4
    files = {"public": der, "signature": base64.b64decode(signed)}
    files["content"] = b'de_1.1790000000.{"a":1}'
    files["changed"] = b'de_1.1790000000.{"a":2}'
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    def verified(content: str) -> bool:
        command = [
            "openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "public",
            "-rawin", "-in", content, "-sigfile", "signature",
        ]  # fmt: skip
        return subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0

    assert version == "v1a"
    assert verified("content")
    assert not verified("changed")


@pytest.mark.parametrize(
    "secret",
    [
        "whsk_",
        "whsk_%",
        "whsk_" + base64.b64encode(bytes(32)).decode(),
        "whsk_" + base64.b64encode(bytes(64)).decode(),
        "whsk_" + base64.b64encode(bytes(65)).decode(),
        "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
    ],
)
def test_what_is_no_ed25519_secret_is_refused(secret):
    """A seed without its public key, another's public key, a public key alone, other sizes."""
    with pytest.raises(Invalid):
        signature_of(secret)


def test_a_symmetric_secret_has_no_public_key():
    """There is nothing to publish."""
    assert public_key(NEW) is None


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
        {"webhook-timestamp": str(int(time.time()) + 200)},
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
