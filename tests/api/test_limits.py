"""What one request asks for is bounded, and what is wrong with it is told in few words."""

import asyncio
import time

import pytest
from yarl import URL

from crypitor.api.serving.reading import MOST_MEMBERS, MOST_VALUES
from crypitor.errors import MOST_MISTAKES
from crypitor.evm.abi.signature import MOST_TYPES

MONITORS = "/v1/monitors"
RULE = {"kind": "erc20", "where": "amount > 0"}


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"networks": ["dev"], "addresses": ["0x1"] * 10_000}, 101),
        ({"networks": ["dev"], "rules": [{**RULE, "contracts": ["x"] * 1_000}] * 10}, 101),
        ({"networks": [f"n{number}" for number in range(64)] * 100}, None),
        ({"networks": ["dev"], "rules": [{**RULE, **{f"a{n}": 1 for n in range(90)}}] * 64}, 5760),
        ({"networks": ["dev"], "rules": [{"kind": "call", "signature": "f("}] * 64}, None),
        ({"networks": ["dev"], "notify": ["x"] * 40_000}, None),
        ({"networks": ["dev"], "tags": [""] * 40_000}, None),
    ],
    ids=["addresses", "contracts", "networks", "fields", "signatures", "phases", "tags"],
)
async def test_many_mistakes_are_told_in_few_words(api, body, count):
    """A hundred are listed, the others counted; an answer is never larger than its request."""
    answer, problem = await api.call("POST", MONITORS, json=body)

    assert answer.status == 400
    assert 0 < len(problem["errors"]) <= MOST_MISTAKES
    assert int(answer.headers["Content-Length"]) < 40_000
    if count:
        assert problem["error_count"] == count


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            {f"a{n}": 1 for n in range(MOST_MEMBERS + 1)},
            "an object with 101 fields; the limit is 100",
        ),
        ({"rules": [[[0] * MOST_VALUES]]}, "the JSON has more than 50000 values"),
        ({"rules": [[]] * (MOST_VALUES + 1)}, "the JSON has more than 50000 values"),
        ({"headers": {f"a{n}": "" for n in range(1000)}}, None),
    ],
    ids=["fields", "values", "lists", "inner fields"],
)
async def test_a_body_of_too_many_parts_is_refused_unread(api, body, detail):
    """Whatever it is for: as a whole, in a patch and for a test."""
    made = await api.made(MONITORS, {"networks": ["dev"]})
    path = f"{MONITORS}/{made['id']}"
    for method, where in (("POST", MONITORS), ("PATCH", path), ("POST", f"{path}/test")):
        answer, problem = await api.call(method, where, json=body)

        assert answer.status == 400
        assert "errors" not in problem
        assert detail in (None, problem["detail"])


async def test_long_texts_are_cut_where_they_are_told(api):
    """A name of a field, or of a kind, may be as long as the body."""
    long = "x" * 500_000
    for body in ({long: 1}, {"networks": ["dev"], "rules": [{"kind": long}]}, {"networks": [long]}):
        answer, problem = await api.call("POST", MONITORS, json=body)

        assert answer.status == 400
        assert int(answer.headers["Content-Length"]) < 8_000
        assert problem["errors"]


async def test_the_types_of_signatures_are_limited_and_the_limit_is_named(api):
    """In one, and in all of a monitor."""
    one = "f(" + ",".join(["bool"] * (MOST_TYPES + 1)) + ")"
    _, problem = await api.call(
        "POST", MONITORS, json={"networks": ["dev"], "rules": [{"kind": "call", "signature": one}]}
    )
    assert "1001 types; the limit is 1000" in problem["errors"][0]["detail"]

    rules = [{"kind": "call", "signature": f"f{n}({','.join(['bool'] * 900)})"} for n in range(6)]
    _, problem = await api.call("POST", MONITORS, json={"networks": ["dev"], "rules": rules})
    [wrong] = problem["errors"]
    assert wrong["pointer"] == "/rules/4/signature"
    assert "4000 types, the limit" in wrong["detail"]


async def test_patches_at_the_same_time_all_take_effect(api):
    """Each is checked before its unit of work, and again where another one came between."""
    made = await api.made(MONITORS, {"networks": ["dev"], "name": "before"})
    path = f"{MONITORS}/{made['id']}"
    patches = [{"name": "after"}, {"note": "noted"}, {"tags": ["ops"]}, {"enabled": False}]
    answers = await asyncio.gather(*(api.call("PATCH", path, json=patch) for patch in patches))
    _, monitor = await api.call("GET", path)

    assert [answer.status for answer, _ in answers] == [200] * 4
    assert {**monitor, **{k: v for patch in patches for k, v in patch.items()}} == monitor


@pytest.mark.parametrize("kind", ["monitors", "endpoints"])
async def test_a_repeated_patch_gets_its_answer_also_where_it_would_be_refused_now(api, kind):
    """What it asked for was checked when it was made."""
    body = {"networks": ["dev"]} if kind == "monitors" else {"url": "https://example.com/"}
    path = f"/v1/{kind}/{(await api.made(f'/v1/{kind}', body))['id']}"
    once = {"headers": {"Idempotency-Key": "once"}, "json": {"enabled": False}}
    _, first = await api.call("PATCH", path, **once)
    await api.call("DELETE", path)
    answer, again = await api.call("PATCH", path, **once)

    assert answer.headers["Idempotency-Replayed"] == "true"
    assert again == first


@pytest.mark.parametrize(
    "value",
    ["a/b;" + ";" * 8_000, "a/b;" + '"' * 8_000, 'text/csv;";' * 800, "a/b" + ";a*0=b" * 1_100],
)
async def test_a_long_content_type_is_not_read(api, value):
    """The standard library reads a list of parameters in a time that is quadratic in its length."""
    path = f"{MONITORS}/{(await api.made(MONITORS, {'networks': ['dev']}))['id']}"
    for method, where in (("POST", MONITORS), ("PATCH", path), ("POST", f"{path}/addresses")):
        began = time.process_time()
        answer, _ = await api.call(
            method, where, data=b"{}", headers={"Content-Type": value[:8_100]}
        )
        assert answer.status == 415
        assert time.process_time() - began < 0.2  # half a second for each, if it were read


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/deliveries", "state"),
        ("/v1/endpoints", "state"),
        ("/v1/matches", "direction"),
        ("/v1/events", "contracts"),
        ("/v1/jobs", "signature"),
    ],
)
async def test_what_is_said_of_a_field_elsewhere_is_not_said_of_a_parameter(api, path, name):
    """Of bodies there is advice; a list without such a filter has none to give."""
    _, told = await api.call("GET", f"{path}?{name}=x")

    [wrong] = told["errors"]
    assert wrong["pointer"] == f"?{name}"
    assert wrong["detail"].partition(";")[0] == "there is no such field"
    assert "leave" not in wrong["detail"]


@pytest.mark.parametrize(
    ("since", "hint"),
    [
        ("2026-11-30T19:00:00+01:00", True),
        ("2026-11-30T19:00:00%2B01:00", None),
        ("2026-11-30T19:00:00", False),
        ("2026-11-30%2019:00:00Z", False),
    ],
)
async def test_a_plus_that_a_url_took_for_a_space_is_explained(api, since, hint):
    """Most often a time with its zone, as libraries print it; None: it is taken."""
    url = URL(f"{api.url}/v1/matches?since={since}", encoded=True)
    async with api.session.get(url, headers={"Authorization": f"Bearer {api.admin}"}) as answer:
        told = await answer.json()

    assert answer.status == (200 if hint is None else 400)
    assert ("write %2B" in str(told)) == bool(hint)
