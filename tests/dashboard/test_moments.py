"""Times that people type into filters."""

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.dashboard.frame.moments import moment

NOW = 1_800_000_000_000  # 2027-01-15T08:00:00Z


@pytest.mark.parametrize(
    "typed, told",
    [
        ("15m", "2027-01-15T07:45:00.000Z"),
        ("15 min", "2027-01-15T07:45:00.000Z"),
        ("24h", "2027-01-14T08:00:00.000Z"),
        ("7d ago", "2027-01-08T08:00:00.000Z"),
        ("2w", "2027-01-01T08:00:00.000Z"),
        ("99999w", "1970-01-01T00:00:00.000Z"),
        ("2027-01-31", "2027-01-31T00:00:00.000Z"),
        ("2027-01-31 12:30", "2027-01-31T12:30:00.000Z"),
        ("2027-01-31T12:30:05", "2027-01-31T12:30:05.000Z"),
        ("2027-01-31T12:30:05Z", "2027-01-31T12:30:05Z"),
        ("2027-02-31", "2027-02-31"),
        ("yesterday", "yesterday"),
        ("-5h", "-5h"),
        ("", ""),
    ],
)
def test_times_are_read_as_they_are_meant(typed, told):
    """Ago, or dates of UTC; what is neither is left to the API, which says what is wrong."""
    assert moment(typed, NOW) == told


@given(st.text(max_size=20) | st.from_regex(re.compile(r"\d{1,6} ?[mhdw]", re.ASCII)))
def test_no_text_is_too_odd(typed):
    """What changes is a time in the past of now, or a date."""
    told = moment(typed, NOW)

    assert told == typed or datetime.fromisoformat(told).tzinfo is not None


async def test_a_list_is_narrowed_to_a_time_ago(api, admin):
    """The address keeps what was typed, and a wrong time is explained."""
    right = await admin.get("/deliveries?since=24h&until=1h")
    wrong = await admin.get("/deliveries?since=soon")

    assert right.status == 200
    assert 'name="since" value="24h"' in right.html.text
    assert (wrong.status, 'role="alert"' in wrong.html.text) == (400, True)
