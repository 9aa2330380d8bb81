"""What attempts make of an endpoint, and what it is said to wait for."""

from dataclasses import replace

import pytest

from crypitor.webhook.circuit import CLOSED, Circuit, CircuitState
from crypitor.webhook.delivery import Endpoint, Notice, Outcome, Result, State, after
from crypitor.webhook.health import (
    DAY_MS,
    Queued,
    Waiting,
    WaitingFor,
    endpoint_after,
    notice_of,
    reopened,
    waiting_of,
)
from tests.webhook.test_delivery import DELIVERY, ENDPOINT, NOW, answered

OPEN = Circuit(CircuitState.OPEN, NOW, NOW + 30_000, 1)
ASKED = Circuit(CircuitState.CLOSED, NOW, NOW + 7000)
FIRST = Queued("de_1", 1, NOW + 5000, NOW - 100, NOW - 50)


def result(outcome: Outcome, at: int, **more) -> Result:
    return Result(DELIVERY, outcome, after(DELIVERY, outcome, at), at, **more)


def failing_for(days: float, every_ms: int) -> Endpoint:
    endpoint = ENDPOINT
    for at in range(NOW, NOW + round(days * DAY_MS) + 1, every_ms):
        endpoint = endpoint_after(endpoint, result(answered(503), at))
    return endpoint


def test_five_days_of_nothing_but_failures_disable_it():
    """And not an hour less."""
    hour = DAY_MS // 24
    before, disabled = failing_for(5 - 1 / 24, hour), failing_for(5, hour)

    assert (before.enabled, before.state) == (True, State.FAILING)
    assert (disabled.enabled, disabled.state) == (False, State.DISABLED)
    assert disabled.state_reason == "nothing but failures for 5 days: answered 503"


def test_a_success_within_the_five_days_begins_them_anew():
    """It is not dead."""
    endpoint = endpoint_after(failing_for(4.9, DAY_MS // 24), result(answered(200), NOW))
    later = endpoint_after(endpoint, result(answered(503), NOW + 6 * DAY_MS))

    assert (later.enabled, later.failures_in_row) == (True, 1)


def test_silence_is_not_failure():
    """A failure a month after the last one is the first of its time."""
    endpoint = failing_for(1, DAY_MS // 24)
    later = endpoint_after(endpoint, result(answered(503), NOW + 30 * DAY_MS))

    assert later.enabled
    assert later.failing_since == NOW + 30 * DAY_MS


def test_an_endpoint_whose_circuit_opens_is_failing_although_some_attempts_succeed():
    """Its owner has to see it."""
    endpoint = endpoint_after(ENDPOINT, result(answered(503), NOW, mostly_failed=True))

    assert endpoint.circuit == OPEN
    assert (endpoint.state, endpoint.state_reason) == (State.FAILING, "answered 503")


def test_a_late_success_does_not_make_it_healthy_while_its_circuit_is_open():
    """The attempt that tries it does."""
    failing = replace(ENDPOINT, state=State.FAILING, circuit=OPEN)
    late = endpoint_after(failing, result(answered(200), NOW))
    tried = replace(failing, circuit=OPEN.trying(NOW + 30_000, 60_000))

    assert late.state is State.FAILING
    assert endpoint_after(tried, result(answered(200), NOW)).state is State.HEALTHY


@pytest.mark.parametrize(
    "before, now, expected",
    [
        (State.HEALTHY, State.FAILING, Notice.FAILING),
        (State.FAILING, State.FAILING, None),
        (State.FAILING, State.HEALTHY, None),
        (State.FAILING, State.DISABLED, Notice.DISABLED),
        (State.HEALTHY, State.DISABLED, Notice.DISABLED),
    ],
)
def test_news_is_told_once(before, now, expected):
    """When the state changes for the worse."""
    was, becomes = replace(ENDPOINT, state=before), replace(ENDPOINT, state=now)

    assert notice_of(was, becomes) is expected


@pytest.mark.parametrize(
    "code, retry_after, rest_ms",
    [
        (429, "7", 7000),
        (503, "7", 7000),
        (503, "Mon, 20 Jul 2026 10:40:06 GMT", 7000),
        (429, "999999", 24 * 3600 * 1000),
        (429, "-7", None),
        (429, "soon", None),
        (429, None, None),
        (500, "7", None),
        (301, "7", None),
    ],
)
def test_only_a_busy_receiver_speaks_for_all_of_its_deliveries(code, retry_after, rest_ms):
    """At most for a day, and it is not failing because of it."""
    endpoint = endpoint_after(ENDPOINT, result(answered(code, retry_after=retry_after), NOW))

    assert endpoint.circuit.until == (None if rest_ms is None else NOW + rest_ms)
    assert endpoint.state is State.HEALTHY


def test_enabling_forgives_all_and_lets_the_queue_leave_slowly():
    """What has gathered must not knock it over again."""
    disabled = endpoint_after(ENDPOINT, result(answered(410), NOW))
    enabled = reopened(disabled, NOW)

    assert replace(enabled, circuit=CLOSED) == ENDPOINT
    assert enabled.circuit == Circuit(CircuitState.CLOSED, NOW, None, 1)
    assert reopened(ENDPOINT, NOW) == ENDPOINT
    assert reopened(replace(ENDPOINT, circuit=ASKED), NOW).circuit.until is None


@pytest.mark.parametrize(
    "endpoint, first, expected",
    [
        (ENDPOINT, None, None),
        (ENDPOINT, FIRST, None),
        (replace(ENDPOINT, circuit=OPEN), None, None),
        (
            replace(ENDPOINT, enabled=False),
            FIRST,
            Waiting(WaitingFor.OWNER, NOW - 100, "de_1", None),
        ),
        (
            replace(ENDPOINT, circuit=OPEN),
            FIRST,
            Waiting(WaitingFor.CIRCUIT, NOW, "de_1", NOW + 30_000),
        ),
        (
            replace(ENDPOINT, circuit=ASKED),
            FIRST,
            Waiting(WaitingFor.ASKED, NOW, "de_1", NOW + 7000),
        ),
        (replace(ENDPOINT, circuit=replace(ASKED, until=NOW)), FIRST, None),
        (
            replace(ENDPOINT, ordered=True),
            FIRST,
            Waiting(WaitingFor.RETRY, NOW - 50, "de_1", NOW + 5000),
        ),
        (replace(ENDPOINT, ordered=True), replace(FIRST, due_at=NOW), None),
        (replace(ENDPOINT, ordered=True), replace(FIRST, attempts=0), None),
    ],
)
def test_it_says_what_it_waits_for(endpoint, first, expected):
    """Nothing queued, nothing to wait for; only the first in its order counts."""
    assert waiting_of(endpoint, first, NOW) == expected
