"""Tells a webhook of the service from anything else.

Source: Standard Webhooks 1.0, "Verifying webhook authenticity".
"""

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping
from typing import cast

from crypitor.client.errors import NotVerified
from crypitor.client.types import WebhookBody

TOLERANCE_SECONDS = 300
SECRET, PUBLIC = "whsec_", "whpk_"


def verify(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    *,
    now: float | None = None,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> WebhookBody:
    """Return what a webhook tells. Raises NotVerified.

    headers: of the request, in any case. body: its bytes as they came, before any JSON is made of
    them. secret: `whsec_…`; for an endpoint with `signature` v1a its public key, `whpk_…`, which
    needs the package `cryptography`. now: unix seconds.

    A webhook may come again: what was taken under its `webhook-id` need not be taken again.
    """
    told = {name.lower(): value for name, value in headers.items()}
    try:
        webhook_id, timestamp = told["webhook-id"], told["webhook-timestamp"]
        signatures = told["webhook-signature"].split(" ")
    except KeyError as error:
        raise NotVerified(f"the header {error} is missing") from None
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise NotVerified("webhook-timestamp is no number of seconds")
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance_seconds:
        raise NotVerified("webhook-timestamp is too far from now")
    content = f"{webhook_id}.{timestamp}.".encode() + body
    if not any(_signs(secret, signature, content) for signature in signatures):
        raise NotVerified("no signature is of this secret")
    return cast("WebhookBody", json.loads(body))


def _signs(secret: str, signature: str, content: bytes) -> bool:
    version, _, text = signature.partition(",")
    try:
        signed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    if secret.startswith(PUBLIC):
        return version == "v1a" and _signs_ed25519(_key(secret, PUBLIC), signed, content)
    key = _key(secret, SECRET)
    return version == "v1" and hmac.compare_digest(hmac.digest(key, content, "sha256"), signed)


def _signs_ed25519(key: bytes, signature: bytes, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - for who needs it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _key(secret: str, prefix: str) -> bytes:
    if not secret.startswith(prefix):
        raise ValueError(f"a secret begins with {SECRET}, a public key with {PUBLIC}")
    return base64.b64decode(secret.removeprefix(prefix), validate=True)
