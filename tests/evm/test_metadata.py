"""What contracts answer about themselves, in every form that is known from real ones."""

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from crypitor.evm.keccak import keccak
from crypitor.evm.metadata import (
    DECIMALS,
    MOST_NAME,
    NAME,
    NOTHING,
    SYMBOL,
    Token,
    decimals_of,
    text_of,
    token_of,
)  # fmt: skip


def string(text):
    return "0x" + encode(["string"], [text]).hex()


def raw(data):
    return "0x" + data.hex()


def test_the_selectors():
    """They are the first four bytes of the signatures' hashes."""
    signatures = (b"name()", b"symbol()", b"decimals()")

    assert [NAME, SYMBOL, DECIMALS] == [raw(keccak(one)[:4]) for one in signatures]


def test_the_string_form():
    """As nearly every token answers, here as USDC does."""
    answers = string("USD Coin"), string("USDC"), raw((6).to_bytes(32))

    assert token_of(*answers) == Token("USD Coin", "USDC", 6)


def test_the_bytes32_form():
    """As MKR answers."""
    assert text_of(raw(b"Maker".ljust(32, b"\0")), MOST_NAME) == "Maker"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("0x", id="nothing"),
        pytest.param("", id="not even hex"),
        pytest.param("0xzz", id="no hex"),
        pytest.param("0x1", id="half a byte"),
        pytest.param(raw(b"\0" * 32), id="zeros"),
        pytest.param(raw(b"\xff" * 32), id="no UTF-8"),
        pytest.param(raw(b"\xff" * 96), id="offset beyond the end"),
        pytest.param(raw((32).to_bytes(32) + (2**255).to_bytes(32)), id="length beyond the end"),
        pytest.param(string("")[:-1], id="cut short"),
        pytest.param(string(""), id="empty text"),
        pytest.param(string("\x00\x1b\u202e"), id="only control characters"),
        pytest.param(string("\xad\ufeff"), id="only what cannot be seen"),
        pytest.param("0x" + "00" * 10_000_000, id="huge"),
    ],
)
def test_no_text(answer):
    """What is no text counts as nothing said."""
    assert text_of(answer, MOST_NAME) is None


def test_text_is_one_line_without_control_characters_and_cut():
    """A name can be anything: it must not reach a terminal or a page as more than text."""
    hostile = "\x1b[31mUSD\r\n\u202eCoin\u200b\u2029\t" + "x" * 1000

    assert text_of(string(hostile), 20) == "[31mUSDCoin " + "x" * 8


@pytest.mark.parametrize(
    "answer, expected",
    [
        pytest.param(raw((18).to_bytes(32)), 18, id="usual"),
        pytest.param(raw((255).to_bytes(32)), 255, id="the most"),
        pytest.param(raw((256).to_bytes(32)), None, id="no uint8"),
        pytest.param(raw(b"\xff" * 32), None, id="huge"),
        pytest.param("0x12", None, id="no word"),
        pytest.param("0x", None, id="nothing"),
    ],
)
def test_decimals(answer, expected):
    """A whole uint8 or nothing."""
    assert decimals_of(answer) == expected


def test_a_contract_that_reverts_says_nothing():
    """There is nothing to know, and nothing to raise."""
    assert token_of(None, None, None) == NOTHING
    assert not NOTHING.says_something


@given(st.binary(max_size=300))
def test_anything_may_be_answered(data):
    """No answer raises, and what is shown is short and printable."""
    text = text_of(raw(data), 10)

    assert text is None or (len(text) <= 10 and text.isprintable())


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40))
def test_every_plain_text_comes_through(text):
    """Letters, numbers and signs of all scripts, with spaces or without."""
    assert text_of(string(text), 40) == text
