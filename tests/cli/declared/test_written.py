"""What a user wrote is shown, exported and applied as it was written."""

import json
import tomllib

import pytest

ADDRESS = f"0x{1:040x}"
URL = "https://example.com/%7Ea/%2f/../x?b=%41+c&a=&b#top"
ODD = " “ü” \u2028\u00a0 'a' \"b\" \\n \\ # = [x] {y} 🦊 é e\u0301 "
TAG = " a 'b' # = [ü] 🦊 e\u0301 "
TEMPLATE = '{"text": "{{data.amount}} \\n \\\\ ü \\u00fc \u2028 {{ data.label }}",\r\n\t"b": 1}\n'
ENDPOINT = {
    "url": URL,
    "description": ODD,
    "headers": {"X-Odd-NAME": ' a  "b" \\ # \' = [x] '},
    "template": {"body": TEMPLATE, "content_type": "application/json; charset=UTF-8"},
    "rate_per_second": 1e-05,
}
MONITOR = {
    "name": ODD,
    "networks": ["dev"],
    "addresses": [{"address": ADDRESS, "label": ODD}],
    "rules": [
        {"kind": "native", "where": "amount  >= 10**18\t\nor  status=='failed'"},
        {"kind": "event", "signature": "event  Odd(address  indexed a,uint b)"},
    ],
    "tags": [TAG, "z", "A"],
    "note": f"{ODD}\n\t{ODD}\r\n",
}


async def made(api):
    endpoint = await api.made("/v1/endpoints", ENDPOINT)
    return endpoint, await api.made("/v1/monitors", MONITOR | {"endpoints": [endpoint["id"]]})


def written(document, like):
    """Return those fields of a document that another one has, and of its rules likewise."""
    if isinstance(like, dict):
        return {name: written(document[name], value) for name, value in like.items()}
    if isinstance(like, list) and len(like) == len(document):
        return [written(a, b) for a, b in zip(document, like, strict=True)]
    return document


async def test_it_is_shown_as_it_was_written(api):
    """By the answer to the creation, and whenever it is read."""
    endpoint, monitor = await made(api)
    _, endpoint_again = await api.call("GET", f"/v1/endpoints/{endpoint['id']}")
    _, monitor_again = await api.call("GET", f"/v1/monitors/{monitor['id']}")
    expected = ENDPOINT | {"url": URL.removesuffix("#top")}

    assert [written(one, expected) for one in (endpoint, endpoint_again)] == [expected] * 2
    assert [written(one, MONITOR) for one in (monitor, monitor_again)] == [MONITOR] * 2


@pytest.mark.parametrize("form", ["toml", "json"])
async def test_it_is_exported_and_applied_as_it_was_written(declared, form):
    """To the same service it changes nothing; to an empty one it makes the same."""
    endpoint, monitor = await made(declared.api)
    text = await declared.export(form)
    changed = await declared.apply(text, name=f"file.{form}", prune=True)
    for table, one in (("monitors", monitor), ("endpoints", endpoint)):
        await declared.api.call("DELETE", f"/v1/{table}/{one['id']}")
    [(name, value)] = ENDPOINT["headers"].items()
    environ = {"ODD": value}
    again = text.replace(f'"{name}": "***"', f'"{name}": {{"env": "ODD"}}')
    again = again.replace(f'{name} = "***"', f'{name} = {{env = "ODD"}}')
    await declared.apply(again, name=f"again.{form}", environ=environ)
    [endpoint], [monitor] = await declared.listed("endpoints"), await declared.listed("monitors")

    expected = ENDPOINT | {"url": URL.removesuffix("#top")}
    assert "0 to change" in changed
    assert "0 to create" in changed
    assert written(endpoint, expected) == expected
    assert written(monitor, MONITOR) == MONITOR
    assert await declared.export(form) == text
    if form == "toml":
        assert tomllib.loads(text)["endpoints"][ODD]["url"] == expected["url"]


async def test_a_url_as_the_key_keeps_its_spelling(declared):
    """A file may name an endpoint by nothing but its URL, whatever is written there."""
    file = (
        '[endpoints."https://bücher.example/%7e?b&a#x"]\nurl = "https://bücher.example/%7e?b&a#x"\n'
    )
    await declared.apply(file)
    again = await declared.apply(file)
    [endpoint] = await declared.listed("endpoints")

    assert endpoint["url"] == "https://xn--bcher-kva.example/%7e?b&a"
    assert "0 to create, 0 to change" in again


@pytest.mark.parametrize(
    "media, body, label",
    [
        ("text/csv", f'{ADDRESS}," a, b "', " a, b "),
        ("text/csv", f"{ADDRESS}, a b ", "a b"),
        ("application/x-ndjson", json.dumps({"address": ADDRESS, "label": ODD}), ODD),
    ],
)
async def test_labels_keep_their_spaces(api, media, body, label):
    """Those between quotes; without quotes they only set the columns apart."""
    monitor = await api.made("/v1/monitors", {"networks": ["dev"]})
    path = f"/v1/monitors/{monitor['id']}/addresses"
    await api.call("POST", path, data=body.encode(), headers={"Content-Type": media})
    _, page = await api.call("GET", path)

    assert page["data"] == [{"address": ADDRESS, "label": label}]


async def test_half_of_a_character_is_refused(api):
    """JSON can spell it; no database can hold it."""
    monitor = await api.made("/v1/monitors", {"networks": ["dev"]})
    text = f'{{"addresses": [{{"address": "{ADDRESS}", "label": "\\ud800"}}]}}'
    answer, told = await api.call(
        "POST",
        f"/v1/monitors/{monitor['id']}/addresses",
        data=text.encode(),
        headers={"Content-Type": "application/json"},
    )

    assert answer.status == 422
    assert [one["pointer"] for one in told["errors"]] == ["/1"]
