"""`verify` takes what the service signs and nothing else."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from crypitor.client import NotVerified, verify
from crypitor.webhook.signature import Signature, new_secret, public_key, sign

NOW = 1_790_000_000
BODY = b'{"type":"ping"}'
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(24)).decode()


def headers(*secrets, body=BODY, at=NOW):
    return {
        "Webhook-Id": "de_1",
        "Webhook-Timestamp": str(at),
        "Webhook-Signature": sign(secrets, "de_1", at, body),
    }


def test_what_the_service_signs_is_taken():
    """And returned as JSON has it."""
    assert verify(headers(SECRET), BODY, SECRET, now=NOW) == {"type": "ping"}


def test_what_the_standards_own_library_signs_is_taken():
    """An independent implementation."""
    from datetime import UTC, datetime

    signature = Webhook(SECRET).sign("de_1", datetime.fromtimestamp(NOW, UTC), BODY.decode())
    told = {**headers(SECRET), "Webhook-Signature": signature}

    assert verify(told, BODY, SECRET, now=NOW) == {"type": "ping"}


@pytest.mark.parametrize("mine", [SECRET, OTHER])
def test_while_a_secret_is_replaced_both_are_taken(mine):
    """The new one and the old one sign."""
    assert verify(headers(SECRET, OTHER), BODY, mine, now=NOW)


def test_a_public_key_is_enough():
    """For signatures of kind v1a."""
    secret = new_secret(bytes(32), Signature.ASYMMETRIC)
    key = public_key(secret)

    assert verify(headers(SECRET, secret), BODY, key, now=NOW) == {"type": "ping"}
    with pytest.raises(NotVerified):
        verify(headers(SECRET), BODY, key, now=NOW)
    with pytest.raises(NotVerified):
        verify(headers(secret), BODY + b" ", key, now=NOW)


@pytest.mark.parametrize("missing", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_without_a_header_nothing_is_taken(missing):
    """It is named."""
    told = headers(SECRET)
    del told[missing]

    with pytest.raises(NotVerified, match=missing.lower()):
        verify(told, BODY, SECRET, now=NOW)


@pytest.mark.parametrize("late", [-301, 301])
def test_what_is_old_or_of_the_future_is_not_taken(late):
    """Somebody may have kept it."""
    with pytest.raises(NotVerified, match="far from now"):
        verify(headers(SECRET), BODY, SECRET, now=NOW + late)
    assert verify(headers(SECRET), BODY, SECRET, now=NOW + 300)


@pytest.mark.parametrize("time", ["", "x", "-5", "1e9", "٣", "9" * 40])
def test_a_time_is_a_number(time):
    """Anything else is no webhook."""
    with pytest.raises(NotVerified):
        verify({**headers(SECRET), "Webhook-Timestamp": time}, BODY, SECRET, now=NOW)


@given(st.binary(max_size=50), st.text(max_size=50))
def test_nothing_else_is_taken(body, signature):
    """Whatever is written there."""
    told = {**headers(SECRET), "Webhook-Signature": signature}
    with pytest.raises(NotVerified):
        verify(told, body, SECRET, now=NOW)
    if body != BODY:
        with pytest.raises(NotVerified):
            verify(headers(SECRET), body, SECRET, now=NOW)


@pytest.mark.parametrize("secret", ["", "secret", "whsec_!", "whsk_AAAA"])
def test_what_is_no_secret_is_a_mistake_of_the_caller(secret):
    """Not of who sends: it would refuse everything."""
    with pytest.raises(ValueError, match=r"begins with|base64"):
        verify(headers(SECRET), json.dumps({}).encode(), secret, now=NOW)
