"""How much a monitor tells an endpoint, beside what the endpoint itself wants. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from crypitor.webhook.delivery import Delivery, Endpoint
from crypitor.webhook.quiet import (
    Quiet,
    Window,
    is_full,
    may_have_left,
    opened,
    used,
)
from crypitor.webhook.silence import Silence, silent_until
from crypitor.webhook.topic import topic_of

STANDARD = "standard"
ONE_BY_ONE = ("pagerduty", "opsgenie", "crypitor")
"""Formats whose receivers wait for each message: to close an alert, or to read it as before."""


@dataclass(frozen=True, slots=True)
class Hush:
    """What a monitor's owner asks for. quiet: None for all.  webhooks: also of standard webhooks.

    silence: hours in which nothing is told.
    """

    quiet: Quiet | None = None
    webhooks: bool = False
    silence: tuple[Silence, ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """What is sent of what was claimed.

    counts: one message is to count it, and all else that is due of this monitor.
    until: when the others come again, unix milliseconds; None where there are none.
    window: after it, None for as it was.
    """

    sent: Sequence[Delivery]
    counts: bool = False
    until: int | None = None
    window: Window | None = None


def split(
    hush: Hush, endpoint: Endpoint, window: Window, deliveries: Sequence[Delivery], now: int
) -> Split:
    """Return what is sent of deliveries of one monitor to one endpoint. now: unix milliseconds.

    An endpoint that is told one thing after the other would wait with all of them for one: it is
    told everything. One that has a limit of its own keeps to that.
    """
    if endpoint.ordered:
        return Split(deliveries)
    if (until := silent_until(hush.silence, now)) is not None:
        return Split((), until=until)
    quiet = hush.quiet if _limits(hush, endpoint) else None
    if quiet is None:
        return Split(deliveries)
    if is_full(quiet, window, now):
        return Split((), until=window.until)
    after = opened(quiet, window, now)
    late = any(one.created_at < window.until for one in deliveries)
    if late and may_have_left(quiet, window, now):
        return Split(deliveries, counts=True, window=used(after, 1))
    sent = deliveries[: after.left]
    until = after.until if len(sent) < len(deliveries) else None
    return Split(sent, until=until, window=used(after, len(sent)))


def _limits(hush: Hush, endpoint: Endpoint) -> bool:
    if endpoint.format in ONE_BY_ONE or topic_of(endpoint.url) is not None:
        return False
    if endpoint.quiet is not None or endpoint.digest is not None:
        return False
    return hush.webhooks or endpoint.format != STANDARD
