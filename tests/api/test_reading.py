"""Merge patches, and where JSON is wrong."""

import contextlib
import gc
import weakref

import pytest

from crypitor.api.monitors.body import MonitorBody
from crypitor.api.serving.reading import merge_patch, parse_json, pointer_to, validated
from crypitor.errors import Invalid

# RFC 7396, appendix A: original, patch, result.
RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("original", "patch", "result"), RFC_7396)
def test_merge_patch_is_as_in_the_rfc(original, patch, result):
    """Each row of RFC 7396's appendix A comes out."""
    assert merge_patch(original, patch) == result


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"{\n  'a': 1}", "(line 2, column 3)"),
        (b"[1, 2,\n\n x]", "(line 3, column 2)"),
        (b"?", "(line 1, column 1)"),
    ],
)
def test_wrong_json_is_told_by_line_and_column(text, place):
    """The sentence ends with the place of the first wrong character."""
    with pytest.raises(Invalid) as error:
        parse_json(text)

    assert error.value.detail.endswith(place)


@pytest.mark.parametrize(
    "text", [b"NaN", b'{"a": Infinity}', b"1 2", b'"\\ud800"', b"{'a'}", b"1e999"]
)
def test_what_is_no_json_is_refused(text):
    """Forms that some parsers take and RFC 8259 does not have are refused."""
    with pytest.raises(Invalid):
        parse_json(text)


def test_pointer_escapes():
    """~ and / in names are escaped as in RFC 6901."""
    assert pointer_to(["headers", "a/b~c", 0]) == "/headers/a~1b~0c/0"


def test_what_was_refused_is_let_go_at_once():
    """No trace of an error holds a document, of some MB, until garbage is searched for."""
    document = Held({"networks": ["dev"], "addresses": ["0x"] * 10, "notify": ["x"]})
    gone = weakref.ref(document)
    gc.collect()
    gc.disable()
    try:
        with contextlib.suppress(Invalid):
            validated(MonitorBody, document)
        del document

        assert gone() is None
    finally:
        gc.enable()


class Held(dict):
    """A document that can be asked whether it is still there."""


INTEGERS = [
    ("/v1/monitors", {"networks": ["dev"], "confirmations": 7.0}, "confirmations"),
    ("/v1/projects", {"name": "x", "limits": {"monitors": 7.0}}, "limits"),
]


@pytest.mark.parametrize(("path", "body", "name"), INTEGERS)
async def test_an_integer_may_be_written_with_a_point(api, path, body, name):
    """It is kept as the integer that it is."""
    answer, made = await api.call("POST", path, json=body)

    assert answer.status == 201, made
    kept = made[name] if name == "confirmations" else made[name]["monitors"]
    assert (kept, type(kept)) == (7, int)


async def test_a_limit_may_be_written_with_a_point(api):
    """Some clients write every number so."""
    answer, _ = await api.call("GET", "/v1/monitors?limit=5.0")
    wrong, _ = await api.call("GET", "/v1/monitors?limit=5.5")

    assert (answer.status, wrong.status) == (200, 400)
