"""The reference of the API; the other pages have tests of their own in tests/dashboard."""

import gzip
import re

import pytest

from crypitor.api.build import described
from crypitor.dashboard.reference.document import reference_of, search
from crypitor.dashboard.reference.prose import prose
from crypitor.dashboard.reference.shapes import field_of, words_of
from tests.dashboard.conftest import Html

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document():
    """The OpenAPI document."""
    return described()


@pytest.fixture(scope="module")
def reference(document):
    """The same, to read."""
    return reference_of(document)


async def pages(api, reference):
    """Return each page of the reference by its path."""
    paths = ["/docs", "/docs/types", *(f"/docs/{slug}" for slug in reference.chapters)]
    return {path: Html((await api.call("GET", path))[1]) for path in paths}


async def test_the_reference_fetches_from_this_server_alone(api, reference):
    """All the pages refer to is served here; nothing stands inline; the policy allows no more."""
    for path, page in (await pages(api, reference)).items():
        answer, _ = await api.call("GET", path)
        policy = answer.headers["Content-Security-Policy"]
        statuses = [(await api.call("GET", url))[0].status for url in page.fetched]
        assert answer.status == 200, path
        assert page.fetched
        assert all(url.startswith("/static/") for url in page.fetched)
        assert statuses == [200] * len(page.fetched)
        assert page.inline == [], path
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy


async def test_every_operation_and_type_of_the_document_has_its_place(api, document, reference):
    """With its path, each parameter and each status; a link to a type leads to it."""
    shown = await pages(api, reference)
    everything = " ".join(page.text for page in shown.values())
    types = set(re.findall(r'<h2 id="(\w+)"', shown["/docs/types"].text))

    for path, methods in document["paths"].items():
        for method in (each for each in METHODS if each in methods):
            one = methods[method]
            [page] = [page for page in shown.values() if f'id="{one["operationId"]}"' in page.text]
            section = page.text.split(f'id="{one["operationId"]}"')[1].split("</section>")[0]
            assert path in section
            assert all(
                f"<code>{each['name']}</code>" in section for each in one.get("parameters", ())
            )
            assert all(status in section for status in one["responses"])
    assert types == set(document["components"]["schemas"])
    assert set(re.findall(r'href="/docs/types#(\w+)"', everything)) <= types
    assert all(
        f'id="{one["post"]["operationId"]}"' in everything for one in document["webhooks"].values()
    )


async def test_the_pages_of_the_reference_are_light(api, reference):
    """Less than 60 KB each, gzip'd, with all that they fetch."""
    for path, page in (await pages(api, reference)).items():
        packed = len(gzip.compress(page.text.encode()))
        for url in page.fetched:
            packed += len(gzip.compress((await api.call("GET", url))[1].encode()))
        assert packed < 60_000, path


async def test_what_is_searched_for_is_found_and_stays_text(api):
    """By words of titles, paths and fields, those in titles first; markup is text."""
    found = Html((await api.call("GET", "/docs?search=rotate+secret"))[1])
    hostile = (await api.call("GET", "/docs?search=<script>alert(1)</script>"))[1]

    assert "/v1/endpoints/{id}/rotate" in found.words
    assert "/v1/networks" not in found.words
    assert "<script>alert" not in hostile
    assert "Nothing has these words" in hostile


async def test_an_unknown_chapter_is_not_there(api):
    """404."""
    answer, _ = await api.call("GET", "/docs/swagger-ui.css")

    assert answer.status == 404


def test_words_in_titles_come_before_those_in_descriptions(reference):
    """`replay` names two operations and stands in what others say."""
    titles = [one.id for _, one in search(reference, "replay")]

    assert {*titles[:2]} == {"replay_monitor", "replay_endpoint"}
    assert len(titles) > 2


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "uri"}, "string (uri)"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"enum": ["a", None, 1]}, '"a" or null or 1'),
        ({"const": "b"}, '"b"'),
        ({"type": "array", "items": {"$ref": "#/components/schemas/X"}}, "array of X"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "object of number"),
        ({"oneOf": [{"$ref": "#/components/schemas/A"}, {"type": "array", "items": {}}]}, "A or array of any"),
        ({}, "any"),
        (True, "any"),
    ],
)  # fmt: skip
def test_types_are_told_in_words(schema, words):
    """Each form of a schema that JSON Schema has for them (draft 2020-12)."""
    assert "".join(word.text for word in words_of(schema)) == words


def test_the_limits_of_a_field_are_told():
    """Those of the value where it may also be null."""
    schema = {
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": 100000}, {"type": "null"}],
        "default": 5,
    }

    assert field_of("x", schema, required=False).limits == (
        "default 5",
        "at least 1",
        "at most 100,000",
    )


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("one\n\ntwo", "<p>one</p><p>two</p>"),
        ("a `b < c` d", "<p>a <code>b &lt; c</code> d</p>"),
        ("**Keys.** `x`", "<p><strong>Keys.</strong> <code>x</code></p>"),
        ("[RFC](https://a.b/c) <b>", '<p><a href="https://a.b/c" rel="noreferrer">RFC</a> &lt;b&gt;</p>'),
        ("no `end and **none [here](http://x)", "<p>no `end and **none [here](http://x)</p>"),
        ('[x](https://a"onclick=b)', '<p><a href="https://a&#34;onclick=b" rel="noreferrer">x</a></p>'),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        ("", ""),
    ],
)  # fmt: skip
def test_descriptions_become_html(text, html):
    """What has no end, and markup, is text."""
    assert str(prose(text)) == html
