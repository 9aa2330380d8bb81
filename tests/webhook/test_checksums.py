"""Addresses with their EIP-55 checksums in bodies, where an endpoint wants them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.api.serving.checksums import with_checksums
from crypitor.errors import Invalid
from crypitor.evm.address import checksummed_json
from crypitor.webhook.formats import Form, check_form
from crypitor.webhook.template import Template
from tests.webhook.matched import body_of

# Source: EIP-55, "Test Cases".
WRITTEN = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
PLAIN = WRITTEN.lower()

ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
TEXTS = st.one_of(
    ADDRESSES,
    st.text(max_size=5),
    st.tuples(st.sampled_from(['"', "\\", "é", " ", '\\"']), ADDRESSES).map("".join),
    st.tuples(ADDRESSES, st.sampled_from(['"', "\\", ":", '":'])).map("".join),
)
DOCUMENTS = st.recursive(
    st.one_of(TEXTS, st.integers(), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def test_each_value_that_is_an_address_is_written_so():
    """And nothing else: not a hash, not what stands within a longer text."""
    body = json.loads(
        body_of(Form("standard", checksum=True), address=PLAIN, label=f"of {PLAIN}, of old")
    )

    assert body["data"]["address"] == WRITTEN
    assert body["data"]["label"] == f"of {PLAIN}, of old"
    assert body["data"]["block"]["hash"] == "0x" + "ab" * 32


def test_without_it_they_are_lower_case():
    """As everywhere."""
    body = json.loads(body_of(Form("standard"), address=PLAIN))

    assert body["data"]["address"] == PLAIN


def test_a_body_of_ones_own_has_them_too():
    """Where the whole value is an address."""
    template = Template('{"a":"{{data.address}}"}', "application/json")

    assert json.loads(body_of(Form("standard", template, True), address=PLAIN)) == {"a": WRITTEN}


@given(DOCUMENTS, st.booleans())
def test_the_text_says_what_the_document_would(document, spaced):
    """Written in the text or in what it stands for, however it is spaced and escaped."""
    separators = (", ", " : ") if spaced else (",", ":")
    text = json.dumps(document, separators=separators)

    assert json.loads(checksummed_json(text)) == with_checksums(document)


@pytest.mark.parametrize("format_", ["slack", "telegram", "email", "discord"])
def test_messages_for_people_have_none(format_):
    """They are refused with a word of what to do."""
    with pytest.raises(Invalid) as refused:
        check_form(Form(format_, checksum=True), "https://example.com/")

    assert "leave it out" in str(refused.value.detail)
