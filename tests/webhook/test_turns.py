"""Whose turn it is: shares, standings, pacing, without clock or network."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.webhook import turns as module
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.turns import Turns


def served(turns: Turns, now: int = 0, most: int = 1000) -> dict[str, int]:
    """Take all turns that there are, and use every slot."""
    taken: Counter[str] = Counter()
    while granted := turns.next_turns(now, most):
        for endpoint, slots in granted:
            taken[endpoint] += slots
            turns.claimed(endpoint, slots, slots)
    return dict(taken)


def prove(turns: Turns, endpoint: str) -> None:
    """Let an endpoint succeed until its share is full."""
    for _ in range(4):
        turns.is_due(endpoint)
        [(_, slots)] = turns.next_turns(0, 1)
        turns.claimed(endpoint, slots, 1)
        turns.ended(endpoint, succeeded=True)
    for endpoint_id, slots in turns.next_turns(0, 1000):
        turns.claimed(endpoint_id, slots, 0)


def test_nothing_is_granted_to_those_that_have_nothing_due():
    """Knowing an endpoint is not asking for it."""
    turns = Turns(100, 10, 100)

    assert turns.next_turns(0, 10) == []
    turns.is_due("a")
    assert turns.next_turns(0, 10) == [("a", 1)]
    assert turns.next_turns(0, 10) == []


def test_an_endpoint_begins_with_one_slot_and_doubles_with_each_success():
    """One, then two at once, whose successes make it eight, then the limit."""
    turns = Turns(100, 10, 100)
    turns.is_due("a")
    at_once = []
    for _ in range(6):
        at_once.append(served(turns)["a"])
        for _ in range(at_once[-1]):
            turns.ended("a", succeeded=True)

    assert at_once == [1, 2, 8, 10, 10, 10]


def test_a_failure_puts_the_share_back_to_one():
    """However large it was."""
    turns = Turns(100, 10, 100)
    prove(turns, "a")
    turns.is_due("a")
    taken = served(turns)["a"]
    for _ in range(taken):
        turns.ended("a", succeeded=False)

    assert taken == 10
    assert served(turns) == {"a": 1}


def test_an_ordered_endpoint_has_one_slot_however_well_it_answers():
    """First in, first out allows no second attempt beside the first."""
    turns = Turns(100, 10, 100)
    for _ in range(6):
        turns.is_due("a")
        granted = turns.next_turns(0, 10)
        turns.claimed("a", granted[0][1], 1, ordered=True)
        busy = turns.next_turns(0, 10)
        turns.ended("a", succeeded=True)

        assert granted == [("a", 1)]
        assert busy == []


def test_slots_that_found_nothing_to_do_are_given_back():
    """And the endpoint does not ask again by itself."""
    turns = Turns(100, 10, 100)
    prove(turns, "a")
    turns.is_due("a")
    [(_, slots)] = turns.next_turns(0, 10)
    turns.claimed("a", slots, 3)

    assert (slots, turns.in_flight) == (10, 3)
    assert turns.next_turns(0, 10) == []


def test_what_becomes_due_during_a_claim_is_not_forgotten():
    """A wake that comes while its endpoint's claim is being committed asks again."""
    turns = Turns(100, 10, 100)
    prove(turns, "a")
    turns.is_due("a")
    [(_, slots)] = turns.next_turns(0, 10)
    turns.is_due("a")
    turns.claimed("a", slots, 0)

    assert turns.next_turns(0, 10) == [("a", 10)]


def test_what_becomes_due_while_all_slots_are_taken_is_served_when_one_is_free():
    """Nothing polls for it."""
    turns = Turns(100, 1, 100)
    turns.is_due("a")
    served(turns)
    turns.is_due("a")
    while_busy = turns.next_turns(0, 10)
    turns.ended("a", succeeded=True)

    assert while_busy == []
    assert turns.next_turns(0, 10) == [("a", 1)]


def test_endpoints_that_failed_hold_at_most_half_of_the_house():
    """A thousand that hang leave room for one that does not."""
    turns = Turns(100, 10, 100)
    for number in range(1000):
        turns.is_due(f"dead{number}", failures_in_row=7)
    dead = served(turns)
    turns.is_due("alive")

    assert len(dead) == 50
    assert served(turns) == {"alive": 1}


def test_unknown_endpoints_leave_a_quarter_to_the_proven():
    """Also a thousand new ones that all hang cannot fill the house."""
    turns = Turns(100, 10, 100)
    prove(turns, "alive")
    for number in range(1000):
        turns.is_due(f"new{number}")
    new = served(turns)
    turns.is_due("alive")

    assert len(new) == 75
    assert served(turns) == {"alive": 10}


def test_doubtful_and_unknown_ones_together_leave_that_quarter_too():
    """Half for the doubtful is half of the three quarters' room, not beside it."""
    turns = Turns(100, 10, 100)
    for number in range(100):
        turns.is_due(f"new{number}")
        turns.is_due(f"dead{number}", failures_in_row=1)

    assert sum(served(turns).values()) == 75


def test_earned_slots_are_bounded_for_all_together():
    """Fifty that earned ten each: their first ones, and as many more as there are."""
    turns = Turns(100, 10, 200)
    names = [f"good{number}" for number in range(50)]
    for name in names:
        prove(turns, name)
    for name in names:
        turns.is_due(name)

    assert sum(served(turns).values()) == 50 + 100


def test_those_that_hold_all_earned_slots_leave_everyone_a_first_one():
    """Proven endpoints that fall silent together delay no other endpoint's first attempt."""
    turns = Turns(90, 10, 200)
    for number in range(10):
        prove(turns, f"silent{number}")
    prove(turns, "alive")
    for number in range(10):
        turns.is_due(f"silent{number}")
    silent = served(turns)
    for number in range(10):
        turns.is_due(f"silent{number}")
    turns.is_due("alive")

    assert sum(silent.values()) == 100
    assert served(turns) == {"alive": 1}


def test_proven_endpoints_may_fill_the_house_and_never_overfill_it():
    """The bound of sockets holds."""
    turns = Turns(0, 10, 40)
    names = [f"good{number}" for number in range(50)]
    for name in names:
        prove(turns, name)
    for name in names:
        turns.is_due(name)

    assert len(served(turns)) == 40


def test_endpoints_are_served_in_the_order_in_which_they_asked():
    """Who has much due goes to the end after each turn."""
    turns = Turns(100, 10, 100)
    for name in ("a", "b", "c"):
        prove(turns, name)
    for name in ("a", "b", "c"):
        turns.is_due(name)
    order = []
    for _ in range(6):
        [(name, slots)] = turns.next_turns(0, 1)
        order.append(name)
        turns.claimed(name, slots, slots)
        for _ in range(slots):
            turns.ended(name, succeeded=True)

    assert order == ["a", "b", "c", "a", "b", "c"]


def test_busy_proven_ones_do_not_starve_one_that_recovers():
    """The queues of the three standings take turns."""
    turns = Turns(100, 10, 100)
    for number in range(50):
        prove(turns, f"good{number}")
    for number in range(50):
        turns.is_due(f"good{number}")
    turns.is_due("sick", failures_in_row=3)

    assert "sick" in dict(turns.next_turns(0, 3))


def test_a_success_moves_a_doubtful_endpoint_to_the_proven():
    """Its slots are no longer counted against the doubtful half."""
    turns = Turns(8, 4, 8)
    for number in range(4):
        turns.is_due(f"dead{number}", failures_in_row=1)
    served(turns)
    turns.is_due("late", failures_in_row=1)
    before = served(turns)
    turns.ended("dead0", succeeded=True)
    after = served(turns)

    assert before == {}
    assert after.pop("late") == 1
    assert set(after) <= {"dead0"}


def test_later_ones_wait_for_their_time():
    """And tell how long one may sleep."""
    turns = Turns(100, 10, 100)
    turns.is_due_at("a", 2000)
    turns.is_due_at("b", 1000)

    assert turns.next_at() == 1000
    assert turns.next_turns(999, 10) == []
    assert turns.next_turns(1000, 10) == [("b", 1)]
    assert turns.next_at() == 2000
    assert turns.next_turns(5000, 10) == [("a", 1)]
    assert turns.next_at() is None


@pytest.mark.parametrize("rate", [0.5, 2, 50, 1000])
def test_a_rate_is_kept_and_reached(rate):
    """Over ten seconds of unlimited supply, in steps of 10 ms."""
    turns = Turns(1000, 100, 1000)
    prove(turns, "a")
    turns.is_due("a")
    sent = 0
    for now in range(0, 10_000, 10):
        for endpoint, slots in turns.next_turns(now, 10):
            turns.claimed(endpoint, slots, slots, rate_per_second=rate)
            sent += slots
            for _ in range(slots):
                turns.ended(endpoint, succeeded=True)

    assert rate * 10 * 0.9 <= sent <= rate * 10 * 1.02 + rate / 10 + 100


@pytest.mark.parametrize("rate", [5e-324, 1e-300, 1e-9])
def test_a_rate_of_next_to_nothing_waits_for_its_next(rate):
    """As endpoints that were stored before such a rate was refused may have: some days."""
    turns = Turns(1000, 100, 1000)
    prove(turns, "a")
    pace = Endpoint("ep_1", "pr_1", "https://example.com", "whsec_", rate_per_second=rate).pace
    turns.is_due("a")
    for endpoint, slots in turns.next_turns(0, 10):
        turns.claimed(endpoint, slots, slots, rate_per_second=pace)
        turns.ended(endpoint, succeeded=True)
    turns.is_due("a")

    assert turns.next_turns(1, 10) == []
    assert 100_000_000 <= turns.next_at() < 10_000_000_000


def test_endpoints_with_nothing_to_do_are_forgotten_once_there_are_very_many():
    """Memory is bounded by what is at work, not by what has ever been."""
    turns = Turns(100, 10, 100)
    for number in range(module.MOST_REMEMBERED + 1):
        turns.is_due(f"idle{number}")
    while granted := turns.next_turns(0, 1000):
        for endpoint, slots in granted:
            turns.claimed(endpoint, slots, 0)
    turns.is_due("busy")
    served(turns)
    turns.is_due_at("later", 5)
    turns.forget_idle(["idle7"])

    assert set(turns._lanes) == {"busy", "later", "idle7"}


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["due", "serve", "ok", "fail"])),
        max_size=200,
    )
)
def test_slots_are_neither_lost_nor_invented(moves):
    """After any history the count is that of attempts in flight, and all are free at its end."""
    turns = Turns(4, 3, 4)
    flying: Counter[str] = Counter()
    for endpoint, move in moves:
        if move == "due":
            turns.is_due(endpoint)
        elif move == "serve":
            for name, slots in turns.next_turns(0, 2):
                used = min(slots, 2)
                turns.claimed(name, slots, used)
                flying[name] += used
        elif flying[endpoint]:
            flying[endpoint] -= 1
            turns.ended(endpoint, succeeded=move == "ok")

        assert turns.in_flight == sum(flying.values())
        assert sum(count > 0 for count in flying.values()) <= 4
        assert sum(max(count - 1, 0) for count in flying.values()) <= 4
        assert max(flying.values(), default=0) <= 3
    for endpoint, count in flying.items():
        for _ in range(count):
            turns.ended(endpoint, succeeded=True)
    for endpoint in "abcdef":
        turns.is_due(endpoint)
    found = set()
    for _ in range(6):
        for endpoint, slots in served(turns).items():
            found.add(endpoint)
            for _ in range(slots):
                turns.ended(endpoint, succeeded=True)

    assert turns.in_flight == 0
    assert found == set("abcdef")


@pytest.mark.parametrize("bounds", [(-1, 1, 4), (100, 0, 4), (100, 1, 3)])
def test_bounds_that_leave_no_room_are_refused(bounds):
    """A quarter of three is nothing."""
    with pytest.raises(ValueError):
        Turns(*bounds)


def test_projects_take_turns_however_many_endpoints_each_has():
    """A project with a hundred endpoints is served once between two turns of one with a single."""
    turns = Turns(1000, 10, 1000)
    for number in range(100):
        turns.is_due(f"many{number}", project="big")
    turns.is_due("single", project="small")

    assert "single" in [name for name, _ in turns.next_turns(0, 2)]


def test_an_endpoint_at_rest_gets_no_turn_until_its_time():
    """What it asks for meanwhile is remembered, and it asks once."""
    turns = Turns(100, 10, 100)
    turns.rest("a", 1000)
    for _ in range(5):
        turns.is_due("a")

    assert turns.next_turns(999, 10) == []
    assert turns.next_at() == 1000
    assert turns.next_turns(1000, 10) == [("a", 1)]
    assert turns.next_at() is None


def test_a_rest_that_is_ended_early_lets_an_endpoint_ask_at_once():
    """Its circuit was closed."""
    turns = Turns(100, 10, 100)
    turns.is_due("a")
    turns.rest("a", 1000)
    resting = turns.next_turns(0, 10)
    turns.rest("a", None)

    assert resting == []
    assert turns.next_turns(0, 10) == [("a", 1)]
