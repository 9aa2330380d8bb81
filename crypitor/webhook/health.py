"""What attempts make of an endpoint: healthy, failing, disabled; and its circuit. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum

from crypitor.webhook.circuit import CLOSED, CircuitState, circuit_after, drain_per_second, resting
from crypitor.webhook.delivery import (
    GONE,
    Endpoint,
    Notice,
    Result,
    State,
    rest_asked_ms,
)
from crypitor.webhook.quiet import is_full, returned
from crypitor.webhook.silence import silent_until

FAILURES_UNTIL_FAILING = 4
FAILING_DAYS_UNTIL_DISABLED = 5
DAY_MS = 24 * 3600 * 1000
# Silence is not failure: without an attempt for so long, nothing is known of the time between. The
# longest wait of the schedule, with its jitter, is shorter.
SILENCE_MS = 2 * DAY_MS


class WaitingFor(StrEnum):
    """Why an endpoint that has something queued is sent nothing now."""

    OWNER = "disabled"
    CIRCUIT = "circuit"
    ASKED = "retry-after"
    LIMIT = "limit"
    QUIET = "quiet"
    SILENCE = "silence"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Queued:
    """The first of an endpoint's pending deliveries, by position.

    attempts: that have ended. tried_at: of the first one, None before. Unix milliseconds.
    """

    id: str
    attempts: int
    due_at: int
    created_at: int
    tried_at: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why, since when and with which delivery an endpoint waits.

    next_at: of the next attempt, None while nobody knows. Unix milliseconds.
    """

    reason: WaitingFor
    since: int
    delivery: str
    next_at: int | None


def limited_until(now: int) -> int:
    """Return until when an endpoint rests whose project has used up the day's deliveries.

    A millisecond after midnight, UTC, which no `Retry-After` says: those are whole seconds.
    """
    return now - now % DAY_MS + DAY_MS + 1


def endpoint_after(endpoint: Endpoint, result: Result) -> Endpoint:
    """Return an endpoint with its failures, state and circuit as an attempt leaves them.

    One that has been disabled stays so until its owner enables it, whatever is still under way.
    """
    counted = _counted(endpoint, result)
    if (moved := result.outcome.moved) is not None and moved.before == endpoint.url:
        counted = replace(counted, url=moved.after)
    if endpoint.state is State.DISABLED:
        return counted
    if (reason := _reason_to_disable(counted, result)) is not None:
        return replace(counted, enabled=False, state=State.DISABLED, state_reason=reason)
    closed = counted.circuit.state is CircuitState.CLOSED
    if result.outcome.succeeded:
        healed = closed and endpoint.state is State.FAILING
        return replace(counted, state=State.HEALTHY, state_reason=None) if healed else counted
    if counted.failures_in_row >= FAILURES_UNTIL_FAILING or not closed:
        return replace(counted, state=State.FAILING, state_reason=result.outcome.error)
    return counted


def reopened(endpoint: Endpoint, now: int) -> Endpoint:
    """Return an endpoint as its owner enabled it: with nothing held against it.

    What has gathered while it was disabled leaves slowly at first. now: unix milliseconds.
    """
    circuit = endpoint.circuit
    held_back = circuit.state is not CircuitState.CLOSED or circuit.until is not None
    tired = endpoint.state is State.DISABLED or held_back
    return replace(
        endpoint,
        enabled=True,
        state=State.HEALTHY,
        state_reason=None,
        failures_in_row=0,
        failing_since=None,
        failed_at=None,
        circuit=replace(CLOSED, since=now, openings=1) if tired else circuit,
    )


def notice_of(before: Endpoint, after: Endpoint) -> Notice | None:
    """Return what a change of an endpoint's state is told as, None for one that is not."""
    if after.state is before.state or after.state is State.HEALTHY:
        return None
    return Notice.DISABLED if after.state is State.DISABLED else Notice.FAILING


def move_of(before: Endpoint, after: Endpoint) -> Notice | None:
    """Return what it is told as that an endpoint has moved by itself, None where it has not."""
    return None if before.url == after.url else Notice.MOVED


def waiting_of(endpoint: Endpoint, first: Queued | None, now: int) -> Waiting | None:
    """Say why nothing is sent to an endpoint now; None where nothing has to wait.

    first: None when nothing is queued. now: unix milliseconds.
    """
    if first is None:
        return None
    if not endpoint.enabled or endpoint.state is State.DISABLED:
        return Waiting(WaitingFor.OWNER, first.created_at, first.id, None)
    due_at = first.due_at if endpoint.ordered else 0
    if endpoint.circuit.state is not CircuitState.CLOSED:
        next_at = max(endpoint.circuit.until or 0, due_at)
        return Waiting(WaitingFor.CIRCUIT, endpoint.circuit.since, first.id, next_at)
    if endpoint.circuit.until is not None and endpoint.circuit.rests(now):
        next_at = max(endpoint.circuit.until, due_at)
        limited = endpoint.circuit.until == limited_until(now)
        reason = WaitingFor.LIMIT if limited else WaitingFor.ASKED
        return Waiting(reason, endpoint.circuit.since, first.id, next_at)
    return _waiting_for_calm(endpoint, first, now) or _waiting_in_order(first, due_at, now)


def rest_of(endpoint: Endpoint, now: int) -> int | None:
    """Return until when nothing may be sent to an endpoint, None where it may be."""
    rests = [
        endpoint.circuit.until if endpoint.circuit.rests(now) else None,
        silent_until(endpoint.silence, now),
        endpoint.window.until if is_full(endpoint.quiet, endpoint.window, now) else None,
    ]
    return max((until for until in rests if until is not None), default=None)


def rate_of(endpoint: Endpoint, now: int) -> float | None:
    """Return the attempts a second that an endpoint may have now: its own limit, or less."""
    limits = [endpoint.pace, drain_per_second(endpoint.circuit, now)]
    return min((limit for limit in limits if limit is not None), default=None)


def _waiting_for_calm(endpoint: Endpoint, first: Queued, now: int) -> Waiting | None:
    """Say for how long its owner wants to be told no more."""
    if (until := silent_until(endpoint.silence, now)) is not None:
        return Waiting(WaitingFor.SILENCE, first.created_at, first.id, until)
    if is_full(endpoint.quiet, endpoint.window, now):
        return Waiting(WaitingFor.QUIET, first.created_at, first.id, endpoint.window.until)
    return None


def _waiting_in_order(first: Queued, due_at: int, now: int) -> Waiting | None:
    """due_at: of the first of an ordered endpoint, else 0."""
    if not first.attempts or due_at <= now:
        return None
    since = first.created_at if first.tried_at is None else first.tried_at
    return Waiting(WaitingFor.RETRY, since, first.id, due_at)


def _counted(endpoint: Endpoint, result: Result) -> Endpoint:
    if result.outcome.succeeded and not endpoint.failures_in_row and endpoint.failed_at is None:
        counted = endpoint  # as with most attempts: a copy would cost more than all else here
    elif result.outcome.succeeded:
        counted = replace(endpoint, failures_in_row=0, failing_since=None, failed_at=None)
    else:
        heard = endpoint.failed_at
        lately = heard is not None and result.ended_at - heard < SILENCE_MS
        counted = replace(
            endpoint,
            failures_in_row=endpoint.failures_in_row + 1,
            failing_since=(endpoint.failing_since if lately else None) or result.ended_at,
            failed_at=result.ended_at,
        )
        if (quiet := endpoint.quiet) is not None:
            window = returned(quiet, endpoint.window, result.ended_at, counted=result.counted)
            counted = replace(counted, window=window)
    circuit = circuit_after(
        endpoint.circuit,
        result.ended_at,
        succeeded=result.outcome.succeeded,
        failures_in_row=counted.failures_in_row,
        mostly_failed=result.mostly_failed,
        jitter=result.jitter,
        asked_ms=rest_asked_ms(result.outcome, result.ended_at),
    )
    if result.outcome.succeeded and result.outcome.rest_ms:  # what it announced is used up
        circuit = resting(circuit, result.ended_at, result.outcome.rest_ms)
    return counted if circuit is endpoint.circuit else replace(counted, circuit=circuit)


def _reason_to_disable(counted: Endpoint, result: Result) -> str | None:
    if result.verdict.gone:
        said = "410 Gone" if result.outcome.status_code == GONE else "webhook-delivery: disable"
        return f"it answered {said}"
    since = counted.failing_since
    if since is None or counted.failures_in_row < FAILURES_UNTIL_FAILING:
        return None
    if result.ended_at - since < FAILING_DAYS_UNTIL_DISABLED * DAY_MS:
        return None
    return f"nothing but failures for {FAILING_DAYS_UNTIL_DISABLED} days: {result.outcome.error}"
