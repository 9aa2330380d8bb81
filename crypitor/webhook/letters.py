"""What one attempt carries: a delivery, or as many as a letter holds. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from crypitor.monitor.models import computed_id
from crypitor.webhook.delivery import Delivery, Endpoint, Outcome, Result, after
from crypitor.webhook.mail import gathered


def attempts_of(endpoint: Endpoint, deliveries: Sequence[Delivery]) -> Sequence[Sequence[Delivery]]:
    """Return what was claimed for an endpoint by the attempts in which it goes."""
    if endpoint.digest is None:
        return [[delivery] for delivery in deliveries]
    return [deliveries] if deliveries else []


def content_of(deliveries: Sequence[Delivery]) -> tuple[str, bytes, str]:
    """Return id, body and key of an attempt.

    The same deliveries have the same, however often tried. key: what keeps them in order, empty for
    nothing.
    """
    key = deliveries[0].monitor_id or ""
    if len(deliveries) == 1:
        return deliveries[0].id, deliveries[0].body.encode(), key
    told = gathered([delivery.body for delivery in deliveries])
    return computed_id("dg_", *(delivery.id for delivery in deliveries)), told, key


def rested(endpoint: Endpoint, outcome: Outcome) -> Outcome:
    """Return an outcome after which the endpoint's next messages gather, where it wants that."""
    if endpoint.digest is None or not outcome.succeeded:
        return outcome
    return replace(outcome, rest_ms=endpoint.digest.seconds * 1000)


def results_of(
    deliveries: Sequence[Delivery],
    outcome: Outcome,
    now: int,
    schedule_seconds: Sequence[float],
    jitter: float,
    *,
    mostly_failed: bool,
) -> list[Result]:
    """Return what an attempt means for each that it carried; for the endpoint it is one."""
    return [
        Result(
            delivery,
            outcome,
            after(delivery, outcome, now, schedule_seconds, jitter),
            now,
            mostly_failed,
            jitter,
            leads=place == 0,
        )
        for place, delivery in enumerate(deliveries)
    ]
