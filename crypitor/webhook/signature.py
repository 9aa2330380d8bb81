"""Standard Webhooks 1.0 signatures, symmetric (`v1`). Pure.

Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence

from crypitor.errors import Invalid

PREFIX = "whsec_"
FEWEST_BYTES = 24
MOST_BYTES = 64
NEW_BYTES = 32
HUB = "X-Hub-Signature"


def new_secret(random_bytes: bytes) -> str:
    """Return `whsec_` and base64 of 24 to 64 bytes; `NEW_BYTES` of them are right."""
    secret = PREFIX + base64.b64encode(random_bytes).decode()
    key_of(secret)
    return secret


def key_of(secret: str) -> bytes:
    """Return the 24 to 64 bytes that sign. Raises Invalid for anything but `whsec_<base64>`."""
    if not secret.startswith(PREFIX):
        raise Invalid(f"a signing secret begins with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(f"a signing secret is {PREFIX} and base64 with its padding") from error
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise Invalid(
            f"a signing secret has {FEWEST_BYTES} to {MOST_BYTES} bytes, this one {len(key)}"
        )
    return key


def sign(secrets: Sequence[str], webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: one signature for each secret, newest first.

    timestamp: unix seconds of the attempt, as in `webhook-timestamp`.
    """
    content = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    return " ".join(f"v1,{_signature(key_of(secret), content)}" for secret in secrets)


def hub_signature(secret: str, body: bytes) -> str:
    """Return the value of `X-Hub-Signature` as the original Crypitor made it.

    Its receivers hand the secret as they were given it to their HMAC: the key is the whole text.
    """
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def _signature(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()
