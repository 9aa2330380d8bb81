"""What a delivery and its endpoint become after an attempt, as tables."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import (
    SCHEDULE_SECONDS,
    Control,
    Delivery,
    Endpoint,
    Outcome,
    Result,
    State,
    Status,
    Verdict,
    after,
    retry_after_seconds,
)
from crypitor.webhook.health import endpoint_after

NOW = 1_784_543_999_000  # 2026-07-20T10:39:59Z
HOUR = 3600 * 1000
DELIVERY = Delivery(
    id="de_1", project_id="pr_1", monitor_id="mo_1", match_id="ma_1", endpoint_id="ep_1",
    phase=Phase.DETECTED, status=Status.PENDING, attempts=0, due_at=NOW, token=1, follows=None,
    body="{}", error=None, created_at=NOW, finished_at=None, position=1,
)  # fmt: skip
ENDPOINT = Endpoint(id="ep_1", project_id="pr_1", url="https://example.com", secret="whsec_")


def answered(code: int, **more) -> Outcome:
    error = None if code // 100 == 2 else f"answered {code}"
    return Outcome(started_at=NOW, duration_ms=5, status_code=code, error=error, **more)


TIMED_OUT = Outcome(started_at=NOW, duration_ms=15_000, error="timed out after 15 s")


@pytest.mark.parametrize("code", [200, 201, 202, 204, 206, 299])
def test_any_2xx_delivers(code):
    """Success is any 2xx, also at the last attempt."""
    last = replace(DELIVERY, attempts=len(SCHEDULE_SECONDS))

    assert after(DELIVERY, answered(code), NOW) == Verdict(Status.DELIVERED)
    assert after(last, answered(code), NOW) == Verdict(Status.DELIVERED)


@pytest.mark.parametrize(
    "outcome",
    [
        TIMED_OUT,
        *(answered(code) for code in (100, 199, 300, 301, 302, 307, 308, 400, 404, 429, 500, 599)),
        Outcome(NOW, 15_000, status_code=200, error="timed out after 15 s"),
    ],
)
def test_everything_else_is_tried_again(outcome):
    """Redirects, refusals, errors and answers that never end are failures, not ends."""
    assert after(DELIVERY, outcome, NOW) == Verdict(Status.PENDING, due_at=NOW + 5000)


@pytest.mark.parametrize("attempts", [0, 5, 9])
def test_gone_ends_the_delivery_and_disables_the_endpoint(attempts):
    """410 says that nothing more is wanted, at whatever attempt."""
    verdict = after(replace(DELIVERY, attempts=attempts), answered(410), NOW)

    assert verdict == Verdict(Status.FAILED, gone=True)


def test_the_schedule_is_that_of_the_contract():
    """At once, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, then failed."""
    waits = []
    verdict = Verdict(Status.PENDING, due_at=NOW)
    delivery = DELIVERY
    while verdict.due_at is not None:
        verdict = after(delivery, TIMED_OUT, NOW)
        waits.append(verdict.due_at and (verdict.due_at - NOW) / 1000)
        delivery = replace(delivery, attempts=delivery.attempts + 1)

    minute, hour = 60, 3600
    assert waits == [
        5, 5 * minute, 30 * minute, 2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour,
        None,
    ]  # fmt: skip
    assert delivery.attempts == 10
    assert verdict.status is Status.FAILED


@pytest.mark.parametrize("jitter, wait", [(-1, 240), (-0.5, 270), (0, 300), (1, 360)])
def test_jitter_moves_a_wait_by_up_to_a_fifth(jitter, wait):
    """± 20 %, so that an outage's deliveries do not all come back in one moment."""
    verdict = after(replace(DELIVERY, attempts=1), TIMED_OUT, NOW, jitter=jitter)

    assert verdict.due_at == NOW + wait * 1000


@pytest.mark.parametrize(
    "value, seconds",
    [
        (None, 0),
        ("", 0),
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("007", 7),
        ("86400", 86400),
        ("86401", 86400),
        ("9" * 5000, 86400),
        ("-5", 0),
        ("+5", 0),
        ("1.5", 0),
        ("1e3", 0),
        ("soon", 0),
        ("١٢", 0),
        ("Mon, 20 Jul 2026 10:41:59 GMT", 120),
        ("Monday, 20-Jul-26 10:41:59 GMT", 120),
        ("Mon Jul 20 10:41:59 2026", 120),
        ("Mon, 20 Jul 2026 10:39:00 GMT", 0),
        ("Mon, 20 Jul 2020 10:41:59 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400),
        ("Mon, 99 Jul 2026 10:41:59 GMT", 0),
        ("Mon, 20 Jul 2026 10:41:59 -0000", 120),
    ],
)
def test_retry_after_is_understood(value, seconds):
    """Seconds or any of RFC 9110's three dates; at most a day; what cannot be meant is ignored."""
    assert retry_after_seconds(value, NOW) == seconds


@given(st.text(max_size=60))
def test_no_retry_after_can_do_harm(value):
    """Whatever a receiver writes there, the wait is between nothing and a day."""
    assert 0 <= retry_after_seconds(value, NOW) <= 86400


@pytest.mark.parametrize(
    "attempts, asked, wait",
    [(0, "120", 120), (1, "120", 300), (0, "999999", 86400), (0, "garbage", 5), (8, "1", 86400)],
)
def test_an_attempt_is_never_made_sooner_than_asked_nor_than_scheduled(attempts, asked, wait):
    """The later of both counts."""
    outcome = answered(503, retry_after=asked)

    verdict = after(replace(DELIVERY, attempts=attempts), outcome, NOW)

    assert verdict.due_at == NOW + wait * 1000


def test_jitter_never_goes_below_what_was_asked():
    """The receiver's wait is not jittered."""
    verdict = after(DELIVERY, answered(429, retry_after="60"), NOW, jitter=-1)

    assert verdict.due_at == NOW + 60_000


def test_a_schedule_of_ones_own_is_followed():
    """As many waits, one attempt more."""
    assert after(DELIVERY, TIMED_OUT, NOW, [1.5]).due_at == NOW + 1500
    assert after(replace(DELIVERY, attempts=1), TIMED_OUT, NOW, [1.5]).status is Status.FAILED
    assert after(DELIVERY, TIMED_OUT, NOW, []).status is Status.FAILED


def result(outcome: Outcome, at: int = NOW) -> Result:
    return Result(DELIVERY, outcome, after(DELIVERY, outcome, at), at)


def test_the_fourth_failure_in_a_row_makes_an_endpoint_failing():
    """Three may be a restart; the reason is what went wrong last."""
    states = []
    endpoint = ENDPOINT
    for number in range(1, 6):
        endpoint = endpoint_after(endpoint, result(answered(503), NOW + number))
        states.append((endpoint.state, endpoint.state_reason))

    assert states == [(State.HEALTHY, None)] * 3 + [(State.FAILING, "answered 503")] * 2
    assert (endpoint.failures_in_row, endpoint.failing_since) == (5, NOW + 1)


def test_one_success_makes_an_endpoint_healthy_again():
    """Nothing of the failures is left."""
    failing = replace(
        ENDPOINT, state=State.FAILING, state_reason="x", failures_in_row=9, failing_since=NOW
    )

    assert endpoint_after(failing, result(answered(200))) == ENDPOINT


def test_gone_disables_an_endpoint_and_says_why():
    """It is off until its owner turns it on."""
    disabled = endpoint_after(ENDPOINT, result(answered(410)))

    assert (disabled.enabled, disabled.state) == (False, State.DISABLED)
    assert disabled.state_reason == "it answered 410 Gone"


@pytest.mark.parametrize("outcome", [answered(200), answered(500), answered(410), TIMED_OUT])
def test_a_disabled_endpoint_stays_disabled_whatever_was_still_under_way(outcome):
    """Attempts that were in flight decide nothing any more."""
    disabled = endpoint_after(ENDPOINT, result(answered(410)))

    assert endpoint_after(disabled, result(outcome)).state is State.DISABLED
    assert endpoint_after(disabled, result(outcome)).enabled is False


@pytest.mark.parametrize("attempts", [0, 3])
def test_a_receiver_may_end_a_delivery(attempts):
    """`webhook-delivery: abort-message` with a failure: no more of this one, nothing else."""
    one = replace(DELIVERY, attempts=attempts)
    outcome = answered(500, control=Control.ABORT)
    verdict = after(one, outcome, NOW)

    assert verdict == Verdict(Status.FAILED)
    assert endpoint_after(ENDPOINT, Result(one, outcome, verdict, NOW)).state is State.HEALTHY


def test_an_answer_that_takes_a_delivery_has_nothing_to_abort():
    """It was taken."""
    assert after(DELIVERY, answered(200, control=Control.ABORT), NOW) == Verdict(Status.DELIVERED)


@pytest.mark.parametrize("code, status", [(200, Status.DELIVERED), (500, Status.FAILED)])
def test_a_receiver_may_disable_its_endpoint(code, status):
    """`webhook-delivery: disable`, whatever became of this delivery."""
    ended = result(answered(code, control=Control.DISABLE))
    disabled = endpoint_after(ENDPOINT, ended)

    assert ended.verdict == Verdict(status, gone=True)
    assert (disabled.enabled, disabled.state) == (False, State.DISABLED)
    assert disabled.state_reason == "it answered webhook-delivery: disable"


def test_secrets_and_headers_do_not_show_in_a_log_line():
    """Their values may be credentials."""
    endpoint = replace(ENDPOINT, secret="whsec_hidden", headers={"Authorization": "hidden"})

    assert "hidden" not in repr(endpoint)
