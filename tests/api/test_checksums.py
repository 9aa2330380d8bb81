"""Addresses with their checksums, for those who ask for them."""

import json
import re

import pytest

from crypitor.api.build import OPERATIONS
from tests.api.rows import insert_match

# Source: EIP-55, "Test Cases".
WRITTEN = (
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
)
PLAIN = [one.lower() for one in WRITTEN]


PLAIN_ADDRESS = re.compile(r"\"0x[0-9a-f]{40}\"")


def addresses_in(document):
    """Return all that looks like an address, in any case."""
    return re.findall(r"\"(0x[0-9a-fA-F]{40})\"", json.dumps(document))


async def asked(api, path):
    answer, document = await api.call("GET", path)
    assert answer.status == 200, document
    return document


@pytest.fixture
async def paths(api):
    """Return what shows addresses: of a monitor, its addresses and a match."""
    made = await api.made("/v1/monitors", {"networks": ["dev"], "addresses": PLAIN})
    match = await api.context.database.write(
        lambda tx: insert_match(tx, api.project, 1, address=PLAIN[0])
    )
    at = f"/v1/monitors/{made['id']}"
    return [
        at,
        f"{at}/addresses",
        f"{at}/addresses/{PLAIN[0]}",
        f"/v1/matches/{match}",
        "/v1/matches",
    ]


async def test_addresses_are_lower_case_unless_asked_otherwise(api, paths):
    """With `checksum=true` each is written as EIP-55 has it, and nothing else is changed."""
    for path in paths:
        plain, also = await asked(api, path), await asked(api, f"{path}?checksum=false")
        written = await asked(api, f"{path}?checksum=true")

        assert plain == also
        assert {*addresses_in(plain)} & {*PLAIN}, path
        assert {*addresses_in(written)} & {*WRITTEN}, path
        assert not {*addresses_in(written)} & {*PLAIN}, path
        assert [one.lower() for one in addresses_in(written)] == addresses_in(plain)
        assert json.loads(json.dumps(written).lower()) == json.loads(json.dumps(plain).lower())


def test_every_answer_with_addresses_has_them_with_checksums_for_who_asks():
    """Those that the documentation shows; the audit keeps what was shown at its time."""
    showing = [
        one
        for one in OPERATIONS
        if set(PLAIN_ADDRESS.findall(json.dumps(one.examples.answers.get(one.name, ""))))
    ]

    assert len(showing) > 10
    assert [one.name for one in showing if "checksum" not in one.query.model_fields] == []


async def test_what_is_changed_is_answered_with_checksums(api):
    """As it is read; a repetition for its key too, and what is stored is lower-case."""
    body = {"networks": ["dev"], "addresses": PLAIN}
    options = {"json": body, "headers": {"Idempotency-Key": "once"}}
    _, first = await api.call("POST", "/v1/monitors?checksum=true", **options)
    _, again = await api.call("POST", "/v1/monitors?checksum=true", **options)
    at = f"/v1/monitors/{first['id']}"
    _, changed = await api.call("PATCH", f"{at}?checksum=true", json={"name": "x"})
    match = await api.context.database.write(
        lambda tx: insert_match(tx, api.project, 1, address=PLAIN[0])
    )
    _, seen = await api.call("POST", f"/v1/matches/{match}/acknowledge?checksum=true")

    for told in (first, again, changed):
        assert told["addresses"] == [*WRITTEN]
    assert seen["address"] == WRITTEN[0]
    assert (await asked(api, at))["addresses"] == PLAIN


async def test_pages_go_on_with_checksums(api, paths):
    """A cursor is the same, whatever the addresses before it look like."""
    page = await asked(api, f"{paths[1]}?checksum=true&limit=1")
    assert [one["address"] for one in page["data"]] == [WRITTEN[0]]
    rest = await asked(api, f"{paths[1]}?checksum=true&limit=1&cursor={page['next_cursor']}")

    assert [one["address"] for one in rest["data"]] == [WRITTEN[1]]


@pytest.mark.parametrize("query", ["checksum=yes", "checksum=", "checksun=true"])
async def test_another_word_is_refused(api, paths, query):
    """Also where there are no other parameters."""
    for path in paths:
        answer, document = await api.call("GET", f"{path}?{query}")
        assert (answer.status, len(document["errors"])) == (400, 1)


async def test_an_endpoint_keeps_whether_it_wants_them(api):
    """Made, changed and taken back; answers have it where it is set."""
    made = await api.made("/v1/endpoints", {"url": "https://example.com", "checksum": True})
    at = f"/v1/endpoints/{made['id']}"
    kept = await asked(api, at)
    await api.call("PATCH", at, json={"description": "x"})
    still = await asked(api, at)
    await api.call("PATCH", at, json={"checksum": None})
    back = await asked(api, at)

    assert [one.get("checksum") for one in (made, kept, still, back)] == [True, True, True, None]


async def test_an_endpoint_for_people_does_not_take_it(api):
    """With a pointer to the field."""
    body = {"url": "https://hooks.slack.com/services/T0/B0/x", "format": "slack", "checksum": True}
    answer, problem = await api.call("POST", "/v1/endpoints", json=body)

    assert answer.status == 400
    assert [one["pointer"] for one in problem["errors"]] == ["/checksum"]
