"""What Schemathesis needs to send our bodies; it loads this file by its name."""

import json
import os
import re
import uuid

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase


@schemathesis.serializer("application/x-ndjson")
def ndjson(_context, value):
    """Return lines of JSON; the example is text of such lines already."""
    if isinstance(value, str):
        return value.encode(errors="replace")
    lines = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(line) for line in lines).encode()


# Of format "uri" most are of schemes that nobody has; whether a host may be called no schema says.
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True).filter(
    lambda name: "--" not in name
)
PATHS = st.text("abcXYZ0123456789-._~/", max_size=20)
schemathesis.openapi.format(
    "uri",
    st.builds(
        "{}://{}.example.com{}/{}".format,
        st.sampled_from(["http", "https", "HTTPS"]),
        NAMES,
        st.just("") | st.integers(1, 65535).map(":{}".format),
        PATHS,
    ),
)

FRAGMENTS = {
    "event": {"type": "event", "name": "Paused", "inputs": [{"name": "by", "type": "address"}]},
    "call": {"type": "function", "name": "pause", "inputs": []},
    "view": {
        "type": "function", "name": "paused", "inputs": [], "stateMutability": "view",
        "outputs": [{"name": "", "type": "bool"}],
    },
}  # fmt: skip
OWN_KEY = os.environ["OWN_KEY"]
THINGS = json.loads(os.environ["THINGS"])
"""What is there, an id by the word that its paths have: none would be chosen by chance."""
NAME = re.compile("[A-Za-z0-9_.~-]{1,128}")
SECRET = "whsec_" + "QUJD" * 10
REPEATABLE = re.compile("[!-~]{1,255}")
TEXTS = {
    "event": "event Paused(address by)",
    "call": "function pause()",
    "view": "function paused() view returns (bool)",
}


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Put words of our languages where JSON Schema can only say that there is text.

    And let the key that all calls are made with live: every answer after its end would be 401. Each
    write has an Idempotency-Key of its own: with that of another one all it hears is 409.
    """
    given = (case.headers or {}).get("Idempotency-Key")
    if isinstance(given, str) and REPEATABLE.fullmatch(given) and not _is_about_headers(case):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    named = (case.path_parameters or {}).get("id")
    if named == OWN_KEY or (_deletes(case) and named in THINGS.values()):
        case.path_parameters["id"] = named[:-1] + "~"
    _name_what_is_there(case)
    if case.operation.path.endswith("/rotate") and isinstance(case.body, dict):
        _give_secret(case.body)
    rules = case.body.get("rules") if isinstance(case.body, dict) else None
    for rule in rules if isinstance(rules, list) else ():
        if not isinstance(rule, dict):
            continue
        signature, kind = rule.get("signature"), str(rule.get("kind"))
        for name in ("where", "rearm"):
            if isinstance(rule.get(name), str) and 0 < len(rule[name]) <= 2000:
                rule[name] = "chain_id == 1"
        if isinstance(signature, dict) and kind in FRAGMENTS:
            rule["signature"] = FRAGMENTS[kind]
        if isinstance(signature, str) and signature and kind in TEXTS:
            rule["signature"] = TEXTS[kind]
        if kind == "balance" and not rule.get("contracts"):
            rule.pop("token_id", None)
        if kind == "balance" and case.body.get("addresses") == "any":
            case.body["addresses"] = []
        if kind == "view" and isinstance(rule.get("args"), list):
            rule["args"] = []
    if isinstance(case.body, dict):
        _name_networks(case.body)
        _in_order(case.body)
        for endpoint in (case.body, case.body.get("webhook")):
            _agree(endpoint)


def _give_secret(body):
    """Put a secret for text that is none, of which a schema knows only how long it may be."""
    if isinstance(body.get("secret"), str) and len(body["secret"]) <= 200:
        body["secret"] = None if body.get("signature") == "v1a" else SECRET


def _deletes(case):
    """Tell whether the thing that the path names goes."""
    return case.method == "DELETE" and case.operation.path.endswith("/{id}")


def _name_what_is_there(case):
    """Put an id that there is for one made by chance; of each thing some have to be left."""
    parts, named = case.operation.path.split("/"), (case.path_parameters or {}).get("id")
    chosen = case.meta and case.meta.phase.name != TestPhase.STATEFUL
    if chosen and isinstance(named, str) and NAME.fullmatch(named) and not _deletes(case):
        case.path_parameters["id"] = THINGS.get(parts[2], named)


def _is_about_headers(case):
    """Tell whether a header is what is wrong: with another one changed it would not be any more."""
    tried = case.meta and case.meta.phase.data
    return getattr(tried, "parameter_location", None) == ParameterLocation.HEADER


SERVICES = {
    "ntfy": ("https://ntfy.example.com/topic", {}),
    "matrix": (
        "https://example.com/_matrix/client/v3/rooms/!a:b/send/m.room.message",
        {"Authorization": "Bearer x"},
    ),
    "pagerduty": ("https://events.pagerduty.com/v2/enqueue", {"X-Routing-Key": "x"}),
    "email": ("smtps://mail.example.com/?from=a@example.com&to=b@example.com", {}),
    "opsgenie": ("https://api.opsgenie.com/v2/alerts", {"Authorization": "GenieKey x"}),
}


def _name_networks(body):
    """Name networks that there are, where JSON Schema can only say that there is text."""
    if isinstance(body.get("network"), str):
        body["network"] = "ethereum"
    if isinstance(names := body.get("networks"), list):
        body["networks"] = ["ethereum" if isinstance(name, str) else name for name in names]


def _in_order(body):
    """Leave out the first of two times or blocks, of which no schema can say that it comes first."""
    for first, last in (("since", "until"), ("from_time", "to_time")):
        if isinstance(body.get(first), str) and isinstance(body.get(last), str):
            del body[first]


def _agree(endpoint):
    """Let format, template, signature and URL go together, which no schema can say."""
    if not isinstance(endpoint, dict):
        return
    template = endpoint.get("template")
    if isinstance(template, dict) and 0 < len(str(template.get("body", ""))) <= 16_384:
        template["body"] = "{}" if isinstance(template.get("body"), str) else template.get("body")
    if isinstance(template, dict) and isinstance(endpoint.get("format"), str):
        endpoint["format"] = "standard"
    if isinstance(endpoint.get("tls"), dict):
        endpoint["tls"] = None
    if endpoint.get("format") == "crypitor" and endpoint.get("signature") == "v1a":
        endpoint["signature"] = "v1"
    if endpoint.get("format") == "telegram" and isinstance(endpoint.get("url"), str):
        endpoint["url"] = "https://api.telegram.org/bot1:x/sendMessage?chat_id=1"
    form = str(endpoint.get("format"))
    if form != "email" and str(endpoint.get("url")).lower().startswith(("smtp", "kafka")):
        endpoint["url"] = "https://example.com/"  # as seen in an answer to another request
    one_by_one = ("pagerduty", "opsgenie", "crypitor")
    if endpoint.get("ordered") or isinstance(endpoint.get("digest"), dict) or form in one_by_one:
        endpoint.pop("quiet", None)
    if form not in ("standard", "crypitor", "None") and endpoint.get("checksum") is True:
        endpoint["checksum"] = False
    if form in SERVICES and isinstance(endpoint.get("url"), str):
        endpoint["url"], endpoint["headers"] = SERVICES[form]
    if form != "email" or endpoint.get("ordered"):
        endpoint.pop("digest", None)
