"""When a condition becomes true: once, armed again by its end, whatever comes in between."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from crypitor.monitor.becoming import State, rearms_by_itself, turn

ANSWERS = st.sampled_from([True, False, None])


def turns(outcomes, rearms=None):
    """The turns of a gauge, looked at again and again."""
    state, found = State.ARMED, []
    for place, holds in enumerate(outcomes):
        arms = rearms_by_itself(holds) if rearms is None else rearms[place]
        found.append(turn(state, holds, arms))
        state = found[-1].state
    return found


@given(st.lists(ANSWERS))
def test_it_tells_as_often_as_the_condition_becomes_true(outcomes):
    """Without a rearm: each change from false to true is told, and each back; no answer is none."""
    found = turns(outcomes)
    known = [False, *(one for one in outcomes if one is not None)]
    changes = list(itertools.pairwise(known))
    assert sum(each.began for each in found) == changes.count((False, True))
    assert sum(each.ended for each in found) == changes.count((True, False))


@given(st.lists(st.tuples(ANSWERS, ANSWERS)))
def test_beginnings_and_ends_take_turns(looks):
    """Whatever the two conditions say: never two beginnings without an end between them."""
    found = turns([holds for holds, _ in looks], [arms for _, arms in looks])
    told = [name for one in found for name in ("began", "ended") if getattr(one, name)]
    assert told == (["began", "ended"] * len(told))[: len(told)]


@given(st.lists(st.integers(0, 10)))
def test_with_a_rearm_a_value_between_both_changes_nothing(values):
    """Below 3 it tells, above 6 it is armed again: between the two it stays what it was."""
    found = turns([value < 3 for value in values], [value > 6 for value in values])
    raised = False
    for value, one in zip(values, found, strict=True):
        assert one.began == (not raised and value < 3)
        assert one.ended == (raised and value > 6)
        raised = value < 3 or (raised and value <= 6)


@given(st.sampled_from(State), ANSWERS)
def test_no_answer_changes_nothing(state, rearms):
    """A condition without an answer neither tells nor, with an own rearm that is none, ends."""
    assert turn(state, None, None) == (state, False, False)
    assert not turn(state, None, rearms).began
