"""Whatever is written to what reads the texts of strangers and tenants: an answer, and soon."""

import contextlib
import os
import time
from ipaddress import ip_network

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict

from crypitor.api.endpoints.body import EndpointBody
from crypitor.api.matches.query import MatchQuery
from crypitor.api.monitors.body import MonitorBody
from crypitor.api.serving.entries import csv_form, ndjson_entry
from crypitor.api.serving.front import Front, is_foreign, is_this_machine
from crypitor.api.serving.reading import parse_json, read_query, validated
from crypitor.dashboard.frame.forms import fields_of
from crypitor.database.keys import is_mistyped
from crypitor.errors import CrypitorError
from crypitor.evm.abi.fragment import read_fragment
from crypitor.evm.abi.signature import event_from_text, function_from_text
from crypitor.evm.address import parse_address, parse_hash
from crypitor.monitor.condition.parser import parse
from crypitor.runtime.redaction import redacted, shown
from crypitor.runtime.terminal import visible
from crypitor.webhook.egress import check_headers, check_url
from crypitor.webhook.mail import check_mail_url
from crypitor.webhook.signature import key_of, signature_of
from crypitor.webhook.template import Template, check_template

MOST_SECONDS = 0.5
"""Of the processor, for a text of at most 8 KB."""

FRONT = Front(proxies=(ip_network("10.0.0.0/8"),), hosts=frozenset({"a.example"}))


def rule(text):
    return {"networks": ["dev"], "rules": [{"kind": "call", "signature": text, "where": text}]}


PARSERS = {
    "json": lambda text: parse_json(text.encode(errors="surrogatepass")),
    "monitor": lambda text: validated(MonitorBody, rule(text)),
    "monitor's body": lambda text: validated(MonitorBody, {"networks": [text], "name": text, "tags": [text], "addresses": [text]}),
    "endpoint": lambda text: validated(EndpointBody, {"url": text, "headers": {text: text}}),
    "query": lambda text: read_query(MatchQuery, MultiDict(monitor=text, since=text, cursor=text, limit=text)),
    "where": parse,
    "function": function_from_text, "event": event_from_text, "fragment": read_fragment,
    "address": parse_address, "hash": parse_hash, "csv": lambda text: csv_form(text).entry(text),
    "ndjson": ndjson_entry, "url": check_url, "mail": check_mail_url,
    "headers": lambda text: check_headers({text: text}),
    "secret": lambda text: (signature_of(text), key_of(text)), "key": is_mistyped,
    "template": lambda text: check_template(Template(text, "application/json")),
    "redaction": redacted, "shown": shown, "visible": visible, "host": is_this_machine,
    "host of ours": FRONT.check_host,
    "forwarding": lambda text: FRONT.client_of("10.0.0.1", CIMultiDictProxy(CIMultiDict([("X-Forwarded-For", text)]))),
    "form": lambda text: fields_of(text.encode(errors="replace")),
    "origin": lambda text: is_foreign(text, CIMultiDictProxy(CIMultiDict([("Origin", text)]))),
}  # fmt: skip

# Beginnings that lead into a parser, which chance alone would seldom find.
SEEDS = [
    "function f(address a, uint256[] b) view returns (bool)", "event E(address indexed a, (uint8,bytes)[3] b)",
    "amount >= 10**18 and args.to in ('0xab', x[0]) or not watched(a)", '{"a": [1, {"b": null}]}',
    "https://user@[::1]:80/a?b=c#d", "smtps://a:b@mail.example:465/?to=x@y", "0x" + "aB" * 20, "0x" + "f" * 64,
    "whsec_" + "QUJD" * 12, "address,label", "{{data.amount | json}}", "10.0.0.1, [2001:db8::1]:80", "(" * 40,
    "ke_01m8p2ce5y1g8g6qvcd3ng48nk_", '{"address": "0x00", "label": "x"}', "http://", "bytes32[][][7]",
]  # fmt: skip


@st.composite
def texts(draw):
    """Chance, or seeds that are cut, joined, repeated, and broken in places."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.text(max_size=500))
    text = "".join(draw(st.lists(st.sampled_from(SEEDS), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        piece = draw(
            st.one_of(
                st.text(max_size=8), st.sampled_from([*"()[]{},.\"'\\ \n\0*%&=:@/_-", *SEEDS])
            )
        )
        text = (
            text[:at]
            + piece * draw(st.sampled_from([1, 1, 1, 2, 50]))
            + text[at + draw(st.integers(0, 5)) :]
        )
    return text[:8192]


def read(name, text):
    """Read a text; what is wrong with it is told as such, and nothing else is raised."""
    began = time.process_time()
    with contextlib.suppress(CrypitorError, ValueError):
        PARSERS[name](text)
    took = time.process_time() - began
    assert took < MOST_SECONDS, f"{name}: {took:.2f} s for {text[:80]!r}"


@pytest.mark.parametrize("name", PARSERS)
def test_what_begins_well_and_goes_wrong(name):
    """Each seed, cut at each place: an answer or a sentence."""
    for seed in SEEDS:
        for end in range(0, len(seed) + 1, 3):
            read(name, seed[:end])
            read(name, seed[:end] + "\0" + seed)


@pytest.mark.soak
@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.timeout(3600)
def test_minutes_of_chance(name):
    """Of all parsers together ten minutes, or as long as CRYPITOR_TEST_SECONDS says."""
    seconds = float(os.environ.get("CRYPITOR_TEST_SECONDS", "600")) / len(PARSERS)
    until, tried = time.monotonic() + seconds, 0

    @settings(max_examples=500, deadline=None, database=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(texts())
    def some(text):
        nonlocal tried
        tried += 1
        read(name, text)

    while time.monotonic() < until:
        some()
    assert tried >= 500
