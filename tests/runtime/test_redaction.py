"""Secrets do not reach logs and screens."""

import pytest

from crypitor.runtime.redaction import LONGEST, redacted, shown

HASH = "0x" + "ab" * 32


@pytest.mark.parametrize(
    ("url", "reduced"),
    [
        (
            "https://mainnet.infura.io/v3/9aa3d95b3bc440fa88ea12eaa4456161",
            "https://mainnet.infura.io",
        ),
        ("wss://user:sesame@node.example:8546/ws", "wss://node.example:8546"),
        ("https://node.example?apikey=sesame", "https://node.example"),
        ("http://[::1]:8545/", "http://[::1]:8545"),
        ("postgresql://user:p%40ss@db.example/crypitor", "postgresql://db.example"),
        ("sesame", "…"),
        ("https://[broken", "…"),
        ("https://host:port/", "…"),
    ],
)
def test_a_url_is_shown_as_scheme_and_host(url, reduced):
    """Keys stand in user info, path and query."""
    assert shown(url) == reduced


@pytest.mark.parametrize(
    "text",
    [
        "cannot reach https://mainnet.infura.io/v3/9aa3d95b3bc440fa88ea12eaa4456161: refused",
        "https://eth-mainnet.g.alchemy.com/v2/9aa3d95b3bc440fa-88ea12eaa4456161/x",
        "wss://rpc.example/ws?key=9aa3d&x=1",
        "wss://rpc.example/9aa3d95b3bc440fa88ea12eaa4456161.json#9aa3d95b3bc440fa88ea",
        "postgresql://crypitor:9aa3d@db.example/crypitor",
        "signed with whsec_9aa3dMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw==",
        "key ke_06f8k2v9x1_9aa3d5b3Bc440fa88ea12eaa4456161AbCdEf is not known",
        "{'Authorization': 'Bearer 9aa3d95b3bc440fa'}",
        "authorization: basic 9aa3d95b3bc440fa==",
    ],
)
def test_secrets_are_taken_out_of_texts(text):
    """Each text holds one, and each secret begins alike."""
    assert "9aa3d" not in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "block 21000000 of ethereum, hash " + HASH,
        f"https://etherscan.io/tx/{HASH}",
        "http://127.0.0.1:8080/docs",
        "ke_06f8k2v9x1 was revoked",
        "the bearer of this has no key",
    ],
)
def test_what_is_public_stays(text):
    """A log that hides too much is no help."""
    assert redacted(text) == text


def test_the_rest_of_a_text_stays():
    """What happened, and where, can still be read."""
    text = "https://user:sesame@node.example:8545/v3/9aa3d95b3bc440fa88ea?token=x timed out"

    assert redacted(text) == "https://node.example:8545/v3/…?token=… timed out"


SECRET = "9aa3d95b3bc440fa88ea12eaa4456161AbCdEf"


@pytest.mark.parametrize(
    "secret",
    [
        f"whsec_{SECRET}==",
        f"ke_06f8k2v9x1_{SECRET}",
        f"Bearer {SECRET}",
        f"https://user:{SECRET}@node.example/",
        f"https://{SECRET}@node.example/",
        f"https://node.example/v3/{SECRET}",
        f"https://node.example/?key={SECRET}",
    ],
)
def test_a_text_that_is_cut_shows_no_half_of_a_secret(secret):
    """Wherever in it the end comes."""
    for shift in range(len(secret) + 1):
        text = "x " * ((LONGEST - shift) // 2) + secret + " and the rest " * 1000
        shown_text = redacted(text)

        assert "9aa3" not in shown_text
        assert len(shown_text) < LONGEST + 100


def test_what_is_cut_says_how_long_it_was():
    """So nobody takes it for the whole."""
    text = redacted("word " * 100_000)

    assert text.startswith("word word ")
    assert text.endswith("(500000 characters)")
