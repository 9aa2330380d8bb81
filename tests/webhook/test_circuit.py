"""The circuit breaker, as rules over time without a clock."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.webhook.circuit import (
    CALM_MS,
    CLOSED,
    FIRST_REST_MS,
    LONGEST_REST_MS,
    REST_JITTER,
    Circuit,
    CircuitState,
    Recent,
    circuit_after,
    drain_per_second,
)

NOW = 1_790_000_000_000
OPEN = Circuit(CircuitState.OPEN, NOW, NOW + 30_000, 1)
TRIED = OPEN.trying(NOW + 30_000, 60_000)


def failed(
    circuit: Circuit, now: int, in_row: int, *, mostly: bool = False, asked_ms: int = 0
) -> Circuit:
    return circuit_after(
        circuit, now, succeeded=False, failures_in_row=in_row, mostly_failed=mostly,
        asked_ms=asked_ms,
    )  # fmt: skip


def succeeded(circuit: Circuit, now: int) -> Circuit:
    return circuit_after(circuit, now, succeeded=True, failures_in_row=0, mostly_failed=False)


def test_the_tenth_failure_in_a_row_opens_it():
    """Nine may be one bad minute."""
    assert failed(CLOSED, NOW, 9) is CLOSED
    assert failed(CLOSED, NOW, 10) == OPEN


def test_mostly_failing_opens_it_without_ten_in_a_row():
    """One success in four does not make an endpoint healthy."""
    assert failed(CLOSED, NOW, 1, mostly=True) == OPEN


def test_an_open_circuit_rests_and_then_allows_one_attempt():
    """Nothing before its time; at its time exactly one, until nothing is heard of it any more."""
    assert OPEN.rests(NOW + 29_999)
    assert not OPEN.may_try(NOW + 29_999)
    assert OPEN.may_try(NOW + 30_000)
    assert TRIED.rests(NOW + 89_999)
    assert TRIED.may_try(NOW + 90_000)


def test_what_began_before_it_opened_decides_nothing():
    """Neither a late success nor a late failure."""
    assert succeeded(OPEN, NOW + 5) == OPEN
    assert failed(OPEN, NOW + 5, 11) == OPEN


def test_a_success_closes_it_and_a_failure_doubles_its_rest():
    """As long as it goes on failing, up to ten minutes."""
    circuit, now, rests = TRIED, NOW + 30_000, []
    for _ in range(7):
        circuit = failed(circuit, now, 11)
        assert circuit.until is not None
        rests.append(circuit.until - now)
        now = circuit.until
        circuit = circuit.trying(now, 60_000)

    assert rests == [60_000, 120_000, 240_000, 480_000, 600_000, 600_000, 600_000]
    assert succeeded(circuit, now) == Circuit(CircuitState.CLOSED, now, None, 8)


def test_since_is_when_it_was_opened_and_not_when_it_was_last_tried():
    """The owner wants to know how long this has been going on."""
    assert failed(TRIED, NOW + 40_000, 11).since == TRIED.since


def test_after_closing_its_queue_leaves_slowly_at_first():
    """Ten a second, doubled every second, free after ten seconds."""
    closed = succeeded(TRIED, NOW)
    rates = [drain_per_second(closed, NOW + ms) for ms in (0, 999, 1000, 3500, 9999, 10_000)]

    assert rates == [10, 10, 20, 80, 5120, None]
    assert drain_per_second(CLOSED, NOW) is None
    assert drain_per_second(OPEN, NOW) is None


def test_opening_again_while_it_drains_rests_longer_than_the_first_time():
    """After a calm minute it is the first time again."""
    closed = succeeded(TRIED, NOW)

    assert failed(closed, NOW + CALM_MS - 1, 10).openings == 2
    assert failed(closed, NOW + CALM_MS, 10).openings == 1


def test_who_asks_to_be_left_alone_is_left_alone_and_then_tried_by_one():
    """Its circuit stays closed: it answers, and says when."""
    asked = failed(CLOSED, NOW, 1, asked_ms=7000)
    tried = asked.trying(NOW + 7000, 60_000)

    assert asked == Circuit(CircuitState.CLOSED, NOW, NOW + 7000)
    assert asked.rests(NOW + 6999)
    assert asked.may_try(NOW + 7000)
    assert tried == Circuit(CircuitState.HALF_OPEN, NOW + 7000, NOW + 67_000)
    assert succeeded(tried, NOW + 7100) == Circuit(CircuitState.CLOSED, NOW + 7100)


def test_what_was_under_way_does_not_shorten_a_rest_that_was_asked_for():
    """Neither a success nor a shorter wish; a longer one prolongs it."""
    asked = failed(CLOSED, NOW, 1, asked_ms=7000)

    assert succeeded(asked, NOW + 5) == asked
    assert failed(asked, NOW + 5, 2) == asked
    assert failed(asked, NOW + 5, 2, asked_ms=1000) == asked
    assert failed(asked, NOW + 1000, 2, asked_ms=7000) == replace(asked, until=NOW + 8000)


def test_a_failed_try_after_a_rest_that_was_asked_for_is_one_failure():
    """It may ask again; only ten in a row open the circuit."""
    tried = failed(CLOSED, NOW, 1, asked_ms=7000).trying(NOW + 7000, 60_000)

    assert failed(tried, NOW + 7100, 2) == Circuit(CircuitState.CLOSED, NOW + 7000)
    assert failed(tried, NOW + 7100, 2, asked_ms=500).until == NOW + 7600
    assert failed(tried, NOW + 7100, 10).state is CircuitState.OPEN


def test_an_open_circuit_rests_for_as_long_as_was_asked_if_that_is_longer():
    """Whether it opens now, is open already, or opens again."""
    assert failed(CLOSED, NOW, 10, asked_ms=90_000) == replace(OPEN, until=NOW + 90_000)
    assert failed(CLOSED, NOW, 10, asked_ms=9000) == OPEN
    assert failed(OPEN, NOW, 11, asked_ms=90_000) == replace(OPEN, until=NOW + 90_000)
    assert failed(TRIED, NOW, 11, asked_ms=90_000).until == NOW + 90_000


@pytest.mark.parametrize(
    "failures, successes, expected", [(7, 3, True), (6, 3, False), (9, 0, False), (10, 5, False)]
)
def test_most_is_seventy_percent_of_at_least_ten(failures, successes, expected):
    """Fewer attempts say nothing."""
    recent = Recent()
    for _ in range(failures):
        recent.add(NOW, succeeded=False)
    for _ in range(successes):
        recent.add(NOW, succeeded=True)

    assert recent.mostly_failed() is expected


def test_only_the_last_five_minutes_count():
    """Old failures are forgotten."""
    recent = Recent()
    for _ in range(20):
        recent.add(NOW, succeeded=False)
    before = recent.mostly_failed()
    recent.add(NOW + 300_000, succeeded=False)

    assert before
    assert not recent.mostly_failed()
    assert not recent.over(NOW + 300_000)
    assert recent.over(NOW + 900_000)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 700_000), st.booleans(), st.booleans(), st.sampled_from((0, 0, 900_000))
        ),
        max_size=60,
    ),
    st.floats(-1, 1),
)
def test_whatever_happens_it_is_tried_again_in_bounded_time_by_one_attempt_at_a_time(moves, jitter):
    """It never rests for ever, while closed only if asked to, and a success always closes it."""
    circuit, now, in_row = CLOSED, NOW, 0
    for passed, ok, mostly, asked_ms in moves:
        now += passed
        if circuit.rests(now):
            continue
        if circuit.may_try(now):
            circuit = circuit.trying(now, 60_000)
            assert not circuit.may_try(now)
        in_row = 0 if ok else in_row + 1
        circuit = circuit_after(
            circuit, now, succeeded=ok, failures_in_row=in_row, mostly_failed=mostly,
            jitter=jitter, asked_ms=asked_ms,
        )  # fmt: skip

        resting = circuit.until is not None
        assert resting == (circuit.state is CircuitState.OPEN or (not ok and asked_ms > 0))
        if circuit.until is not None:
            rest = circuit.until - now
            assert max(asked_ms, FIRST_REST_MS * (1 - REST_JITTER) - 1) <= rest
            assert rest <= max(asked_ms, LONGEST_REST_MS * (1 + REST_JITTER) + 1)
        if ok:
            assert circuit.state is CircuitState.CLOSED
