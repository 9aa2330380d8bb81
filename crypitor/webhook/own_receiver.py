"""The receiver that every installation has itself, to try with: `test://receiver`. Pure.

A request goes to it as to any other (`own_post`). It verifies the signature by the endpoint's
newest secret, as a user's would, and says in its answer what it saw. It keeps nothing: what was
sent and answered stands with the delivery, for as long as deliveries are kept.
"""

from collections.abc import Mapping

import msgspec

from crypitor.webhook.signature import verify

OWN_RECEIVER = "test://receiver"
TAKEN = ("standard", "crypitor")
"""Formats that receivers read; the others are messages that one service alone answers rightly."""

VERIFIED = "verified"


class Seen(msgspec.Struct):
    """What the receiver answers. signature: `verified`, or why it is not. body_bytes: of the POST.

    received: the type that the body tells; None for bodies without one.
    """

    received: str | None
    signature: str
    webhook_id: str
    body_bytes: int


class _Typed(msgspec.Struct):
    type: str | None = None


def is_own_receiver(url: str) -> bool:
    """Whether a URL is that of this installation's own receiver."""
    return url.lower().rstrip("/") == OWN_RECEIVER


def seen_of(headers: Mapping[str, str], body: bytes, secret: str) -> Seen:
    """Return what a request shows to who knows the secret that should have signed it."""
    webhook_id = headers.get("webhook-id", "")
    trouble = verify(
        secret,
        webhook_id,
        headers.get("webhook-timestamp", ""),
        body,
        headers.get("webhook-signature", ""),
    )
    try:
        received = msgspec.json.decode(body, type=_Typed).type
    except (msgspec.MsgspecError, ValueError, RecursionError):
        received = None
    return Seen(received, trouble or VERIFIED, webhook_id, len(body))
