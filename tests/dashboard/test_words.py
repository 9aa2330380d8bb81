"""How values are written for people, and how charts are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.dashboard.overview.attention import NOISY_AT_LEAST, noisy
from crypitor.dashboard.overview.counting import BARS, counted
from crypitor.dashboard.words import (
    NOTHING,
    THIN,
    bold,
    grouped,
    identicon,
    lasting,
    pretty,
    query,
    rounded,
)
from crypitor.database.recent import MOST_RECENT, Recent

NOW = 1_790_000_000_000


@pytest.mark.parametrize(
    "amount, shown",
    [
        ("0", "0"),
        ("12.5", "12.5"),
        ("1.985134085871933173", "1.985134"),
        ("0.1", "0.1"),
        ("0.000000000123456", "0.000000000123"),
        ("5411.908696373771705750", "5411.908696"),
        ("1" + "0" * 30, "1.000e30"),
        ("2.000000000000000001", "2"),
    ],
)
def test_amounts_are_cut_to_what_a_glance_takes_in(amount, shown):
    """Six digits of the fraction; of what is smaller, the first three that are not 0."""
    assert rounded(amount) == shown


@given(st.integers(0, 10**20), st.integers(0, 10**18 - 1))
def test_a_cut_amount_is_never_more_and_never_far_less(whole, fraction):
    """It is cut, not rounded up: nobody is shown more than there is."""
    from decimal import Decimal

    text = f"{whole}.{fraction:018}"
    shown, true = Decimal(rounded(text)), Decimal(text)

    assert shown <= true
    assert true - shown < Decimal("0.000001")
    assert not fraction or whole or shown > 0


@pytest.mark.parametrize(
    "number, shown",
    [(None, NOTHING), (0, "0"), (1234, f"1{THIN}234"), ("1234567.89012", f"1{THIN}234{THIN}567.89012"), (-1000, f"-1{THIN}000")],
)  # fmt: skip
def test_digits_are_grouped(number, shown):
    """Before the point alone."""
    assert grouped(number) == shown


@pytest.mark.parametrize(
    "seconds, shown",
    [
        (None, NOTHING),
        (0, f"0.0{THIN}s"),
        (59, f"59{THIN}s"),
        (3700, f"1{THIN}h 1{THIN}min"),
        (86_405, f"1{THIN}d"),
    ],
)
def test_times_have_their_two_largest_units(seconds, shown):
    """What is smaller does not matter then."""
    assert lasting(seconds) == shown


@given(st.text())
def test_what_is_marked_is_escaped(text):
    """Whatever the text is and wherever the mark stands."""
    marked = str(bold(text, len(text) // 2))

    assert "<" not in marked.replace("<mark>", "").replace("</mark>", "")


def test_an_address_has_a_picture_of_its_own():
    """The same for the same, another for another."""
    pictures = {str(identicon(f"0x{number:040x}")) for number in range(200)}

    assert identicon("0x1") == identicon("0x1")
    assert len(pictures) == 200


def test_big_numbers_and_odd_text_are_shown_as_they_are():
    """JSON keeps every digit; what is no JSON is text."""
    assert "123456789012345678901234567890" in pretty('{"a":123456789012345678901234567890}')
    assert pretty("plain text") == "plain text"
    assert query({"a": "x&y", "b": "", "c": None}) == "?a=x%26y"


def test_a_chart_counts_each_row_once():
    """From the oldest to now, those that failed beside."""
    rows = [Recent(NOW - age, "mo_1", "failed" if age < 1000 else "delivered") for age in (0, 500, 59_000, 61_000, 3_599_999, 3_600_001)]  # fmt: skip
    chart = counted("x", "/x", rows, NOW, 3600, bad="failed")

    assert (chart.total, sum(chart.bad), chart.cut) == (5, 2, False)
    assert (chart.counts[-1], chart.counts[-2], chart.counts[0]) == (3, 1, 1)


def test_a_chart_of_more_than_is_looked_at_begins_where_that_begins():
    """It says so, and does not look as if nothing had been before."""
    rows = [Recent(NOW - number * 100, "mo_1", "") for number in range(MOST_RECENT)]
    chart = counted("x", "/x", rows, NOW, 3600)

    assert chart.cut
    assert chart.since == rows[-1].at
    assert chart.total == MOST_RECENT
    assert min(chart.counts) > 0
    assert len(chart.counts) == BARS


def test_a_monitor_is_noisy_by_its_rate_not_by_its_count():
    """Many within an hour are; the same over a month are not, nor are a few at once."""
    day = 86_400_000
    fast = [Recent(NOW - number * 1000, "mo_fast", "") for number in range(NOISY_AT_LEAST)]
    slow = [Recent(NOW - number * day // 10, "mo_slow", "") for number in range(NOISY_AT_LEAST)]
    few = fast[: NOISY_AT_LEAST - 1]

    assert list(noisy(fast, NOW)) == ["mo_fast"]
    assert noisy(slow, NOW) == {}
    assert noisy(few, NOW) == {}
    assert noisy([], NOW) == {}
