"""What one attempt carries: a delivery, or as many as a letter holds or a message counts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from crypitor.monitor.models import computed_id
from crypitor.webhook.counted import counted_body
from crypitor.webhook.delivery import Delivery, Endpoint, Outcome, Result, Status, after
from crypitor.webhook.mail import gathered


def attempts_of(
    endpoint: Endpoint,
    deliveries: Sequence[Delivery],
    groups: Sequence[Sequence[Delivery]] = (),
    *,
    counts: bool,
) -> Sequence[Sequence[Delivery]]:
    """Return what was claimed for an endpoint by the attempts in which it goes.

    counts: one message is to count all of it.  groups: one message each is to count these.
    """
    counted = [group for group in groups if group]
    if endpoint.digest is None and not counts:
        return [*([delivery] for delivery in deliveries), *counted]
    return [deliveries, *counted] if deliveries else counted


def content_of(
    endpoint: Endpoint, deliveries: Sequence[Delivery], names: Mapping[str, str]
) -> tuple[str, bytes, str]:
    """Return id, body and key of an attempt.

    The same deliveries have the same, however often tried. key: what keeps them in order, empty for
    nothing. names: of monitors, by id, for what is counted.
    """
    key = deliveries[0].monitor_id or ""
    if len(deliveries) == 1:
        return deliveries[0].id, deliveries[0].body.encode(), key
    if endpoint.digest is None:
        told = counted_body(endpoint, deliveries, names).encode()
    else:
        told = gathered([delivery.body for delivery in deliveries])
    return computed_id("dg_", *(delivery.id for delivery in deliveries)), told, key


def rested(endpoint: Endpoint, outcome: Outcome) -> Outcome:
    """Return an outcome after which the endpoint's next messages gather, where it wants that."""
    if endpoint.digest is None or not outcome.succeeded:
        return outcome
    return replace(outcome, rest_ms=endpoint.digest.seconds * 1000)


def results_of(
    endpoint: Endpoint,
    deliveries: Sequence[Delivery],
    outcome: Outcome,
    now: int,
    schedule_seconds: Sequence[float],
    jitter: float,
    *,
    mostly_failed: bool,
) -> list[Result]:
    """Return what an attempt means for each that it carried; for the endpoint it is one."""
    counted = endpoint.digest is None and len(deliveries) > 1
    results = []
    for place, delivery in enumerate(deliveries):
        verdict = after(delivery, outcome, now, schedule_seconds, jitter)
        if counted and verdict.status is Status.DELIVERED:
            verdict = replace(verdict, status=Status.COUNTED)
        told = (delivery, outcome, verdict, now, mostly_failed, jitter)
        results.append(Result(*told, leads=place == 0, counted=counted))
    return results
