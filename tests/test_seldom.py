"""What strangers can cause does not flood the log."""

import pytest

from crypitor.runtime.seldom import MOST_KINDS, Seldom


class Said:
    """What was logged, and what waits for the end of the minute."""

    def __init__(self):
        self.lines = []
        self.later = []
        self.seldom = Seldom(self.say, lambda seconds, work: self.later.append(work))

    def say(self, event, **fields):
        self.lines.append((event, fields))

    def minute(self):
        waiting, self.later[:] = list(self.later), []
        for work in waiting:
            work()


@pytest.fixture
def said():
    return Said()


def test_the_first_is_told_at_once_and_the_others_are_counted(said):
    """Ten thousand events are two lines in their minute."""
    for number in range(10_000):
        said.seldom.told("wrong key", "192.0.2.1", number=number)
    said.minute()

    assert said.lines == [
        ("wrong key", {"of": "192.0.2.1", "number": 0}),
        ("wrong key", {"of": "192.0.2.1", "more_in_the_last_minute": 9_999}),
    ]


def test_what_goes_on_is_one_line_a_minute(said):
    """The first of the next minute is not told by itself again."""
    for _ in range(3):
        for _ in range(5):
            said.seldom.told("wrong key")
        said.minute()

    assert [fields for _, fields in said.lines] == [
        {},
        {"more_in_the_last_minute": 4},
        {"more_in_the_last_minute": 5},
        {"more_in_the_last_minute": 5},
    ]


def test_after_a_quiet_minute_it_is_told_at_once_again(said):
    """Nothing is kept of what has ended."""
    said.seldom.told("wrong key")
    said.minute()
    said.seldom.told("wrong key")

    assert said.lines == [("wrong key", {}), ("wrong key", {})]
    assert len(said.later) == 1


def test_many_addresses_are_a_bounded_number_of_lines(said):
    """Whoever changes the address with each request is counted with the others."""
    for number in range(100 * MOST_KINDS):
        said.seldom.told("wrong key", f"2001:db8::{number:x}")
    said.minute()

    assert len(said.lines) <= MOST_KINDS + 2
    assert said.lines[-1][1]["more_in_the_last_minute"] == 99 * MOST_KINDS - 1
