"""How values are written for people, and what is noisy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.dashboard.overview.attention import noisy
from crypitor.dashboard.words import (
    NOTHING,
    THIN,
    bold,
    bytes_,
    grouped,
    identicon,
    lasting,
    pretty,
    query,
    rounded,
)


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


def group(monitor, detected):
    """What the statistics have of a monitor in the last day, as far as it matters here."""
    return {"subject": monitor, "matches": {"detected": detected}}


def test_a_monitor_is_noisy_by_what_it_matched_in_a_day():
    """More than a thousand times; the three that do so most are told."""
    groups = [group(f"mo_{number}", number) for number in (1000, 1001, 5000, 7000, 9000)]

    assert noisy(groups) == {"mo_9000": 9000, "mo_7000": 7000, "mo_5000": 5000}
    assert noisy(groups[:2]) == {"mo_1001": 1001}
    assert noisy([]) == {}


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, f"0{THIN}B"), (999, f"999{THIN}B"), (1000, f"1.0{THIN}kB"), (123_456_789, f"123{THIN}MB"), (2 * 10**18, f"2000{THIN}PB")],
)  # fmt: skip
def test_sizes_have_the_unit_of_which_there_is_one(count, shown):
    """By thousands, as disks are sold."""
    assert bytes_(count) == shown
