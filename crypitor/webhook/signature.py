"""Standard Webhooks 1.0 signatures, symmetric (`v1`) and asymmetric (`v1a`, ed25519). Pure.

A secret says itself how it signs: `whsec_` and base64 of 24 to 64 bytes, an HMAC key that both
sides know; `whsk_` and base64 of an ed25519 seed and its public key, of which receivers know only
the latter, as `whpk_`.

Source: https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from crypitor.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIX = "whsec_"
PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
FEWEST_BYTES = 24
MOST_BYTES = 64
NEW_BYTES = 32
SEED_BYTES = 32
HUB = "X-Hub-Signature"


class Signature(StrEnum):
    """How a secret signs, as it stands before each signature."""

    SYMMETRIC = "v1"
    ASYMMETRIC = "v1a"


def new_secret(random_bytes: bytes, signature: Signature = Signature.SYMMETRIC) -> str:
    """Return a secret made of these bytes; `NEW_BYTES` of them are right for either kind."""
    if signature is Signature.ASYMMETRIC:
        return PRIVATE_PREFIX + base64.b64encode(random_bytes + _public(random_bytes)).decode()
    secret = PREFIX + base64.b64encode(random_bytes).decode()
    key_of(secret)
    return secret


def signature_of(secret: str) -> Signature:
    """Return how a secret signs. Raises Invalid for what is no secret, or of the wrong size."""
    if secret.startswith(PRIVATE_PREFIX):
        seed_of(secret)
        return Signature.ASYMMETRIC
    key_of(secret)
    return Signature.SYMMETRIC


@lru_cache(maxsize=1024)
def key_of(secret: str) -> bytes:
    """Return the 24 to 64 bytes that sign. Raises Invalid for anything but `whsec_<base64>`."""
    key = _decoded(secret, PREFIX)
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise Invalid(
            f"a signing secret has {FEWEST_BYTES} to {MOST_BYTES} bytes, this one {len(key)}"
        )
    return key


def seed_of(secret: str) -> bytes:
    """Return the seed of a private key. Raises Invalid for anything but seed and its public key."""
    both = _decoded(secret, PRIVATE_PREFIX)
    seed, public = both[:SEED_BYTES], both[SEED_BYTES:]
    if len(both) != 2 * SEED_BYTES or public != _public(seed):
        raise Invalid(
            f"an ed25519 secret is {PRIVATE_PREFIX} and base64 of {SEED_BYTES} bytes of seed and "
            f"the {SEED_BYTES} bytes of its public key"
        )
    return seed


def public_key(secret: str) -> str | None:
    """Return what verifies a secret's signatures, `whpk_…`; None for a symmetric one."""
    if signature_of(secret) is Signature.SYMMETRIC:
        return None
    return PUBLIC_PREFIX + base64.b64encode(_public(seed_of(secret))).decode()


def sign(secrets: Sequence[str], webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: one signature for each secret, newest first.

    timestamp: unix seconds of the attempt, as in `webhook-timestamp`.
    """
    content = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    return " ".join(_signed(secret, content) for secret in secrets)


def verify(secret: str, webhook_id: str, timestamp: str, body: bytes, given: str) -> str | None:
    """Return why a request is not what this secret signed; None where it is.

    timestamp, given: the headers `webhook-timestamp` and `webhook-signature` as they came. Of an
    asymmetric secret its public half alone verifies. How old the request is does not matter here.
    """
    if not timestamp.isascii() or not timestamp.isdigit():
        return "webhook-timestamp is no number"
    content = b"%s.%s.%s" % (webhook_id.encode(), timestamp.encode(), body)
    kind = signature_of(secret).value
    signatures = [
        one.removeprefix(f"{kind},") for one in given.split() if one.startswith(kind + ",")
    ]
    if not signatures:
        return f"webhook-signature has none of the kind {kind}"
    if any(_verifies(secret, content, one) for one in signatures):
        return None
    return "no signature is of this secret and this body"


def hub_signature(secret: str, body: bytes) -> str:
    """Return the value of `X-Hub-Signature` as the original Crypitor made it.

    Its receivers hand the secret as they were given it to their HMAC: the key is the whole text.
    """
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def _signed(secret: str, content: bytes) -> str:
    if secret.startswith(PRIVATE_PREFIX):
        return f"v1a,{base64.b64encode(_private(secret).sign(content)).decode()}"
    return f"v1,{base64.b64encode(hmac.digest(key_of(secret), content, 'sha256')).decode()}"


def _verifies(secret: str, content: bytes, signature: str) -> bool:
    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    if not secret.startswith(PRIVATE_PREFIX):
        return hmac.compare_digest(hmac.digest(key_of(secret), content, "sha256"), given)
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as in `_loaded`

    try:
        _private(secret).public_key().verify(given, content)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=1024)
def _private(secret: str) -> "Ed25519PrivateKey":
    return _loaded(seed_of(secret))


def _loaded(seed: bytes) -> "Ed25519PrivateKey":
    # Imported where a secret signs so, which few do: it takes 6 MB.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    return Ed25519PrivateKey.from_private_bytes(seed)


def _public(seed: bytes) -> bytes:
    if len(seed) != SEED_BYTES:
        raise Invalid(f"an ed25519 seed has {SEED_BYTES} bytes, this one {len(seed)}")
    return _loaded(seed).public_key().public_bytes_raw()


def _decoded(secret: str, prefix: str) -> bytes:
    if not secret.startswith(prefix):
        raise Invalid(f"a signing secret begins with {prefix}")
    try:
        return base64.b64decode(secret.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(f"a signing secret is {prefix} and base64 with its padding") from error
