"""Messages for Teams, ntfy, Matrix, PagerDuty and Opsgenie, by what each service publishes."""

import json
import re

import jsonschema
import pytest
from aiohttp import web

from crypitor.errors import Invalid
from crypitor.monitor.models import SEVERITIES, Phase
from crypitor.webhook.destinations import ALERTS, acknowledgement_body
from crypitor.webhook.destinations import DESTINATIONS as ALL
from crypitor.webhook.formats import Form, check_form, notice_body
from crypitor.webhook.post import request_headers
from crypitor.webhook.wire import WIRED, wired
from tests.webhook.matched import DATA, HASH, NOW, body_of
from tests.webhook.posting import endpoint
from tests.webhook.receivers import Receiver, raw_receiver, request_of

TRANSACTION = f"https://etherscan.io/tx/{HASH}"
HEADLINE = "Treasury: received 0.1231 USDC (detected)"
TEXT = {"type": "string", "minLength": 1}
LINK = {"type": "string", "pattern": "^https://"}
# PagerDuty's and Opsgenie's published OpenAPI documents, ntfy's "Publish as JSON", Matrix 1.13, and
# the schema of adaptive cards 1.4, in what of them is used; nothing else may be there.
SCHEMAS = {
    "pagerduty": {
        "required": ["routing_key", "event_action", "dedup_key"],
        "properties": {
            "routing_key": TEXT,
            "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
            "dedup_key": {**TEXT, "maxLength": 255},
            "client": TEXT,
            "links": {"items": {"required": ["href"], "properties": {"href": LINK, "text": TEXT}}},
            "payload": {
                "required": ["summary", "severity", "source"],
                "properties": {
                    "summary": {**TEXT, "maxLength": 1024},
                    "source": TEXT,
                    "severity": {"enum": ["critical", "warning", "error", "info"]},
                    "timestamp": {"type": "string", "format": "date-time"},
                    "custom_details": {"type": "object"},
                },
                "additionalProperties": False,
            },
        },
        "if": {"properties": {"event_action": {"const": "trigger"}}},
        "then": {"required": ["payload"]},
        "additionalProperties": False,
    },
    "opsgenie": {
        "anyOf": [{"required": ["message"]}, {"required": ["note"]}],
        "properties": {
            "message": {**TEXT, "maxLength": 130},
            "alias": {**TEXT, "maxLength": 512},
            "description": {**TEXT, "maxLength": 15_000},
            "tags": {"maxItems": 20, "items": {**TEXT, "maxLength": 50}},
            "entity": {"type": "string", "maxLength": 512},
            "source": {**TEXT, "maxLength": 100},
            "priority": {"enum": ["P1", "P2", "P3", "P4", "P5"]},
            "note": {**TEXT, "maxLength": 25_000},
        },
        "additionalProperties": False,
    },
    "ntfy": {
        "required": ["topic"],
        "properties": {
            "topic": {"type": "string", "pattern": "^[-_A-Za-z0-9]{1,64}$"},
            "title": TEXT,
            "message": {**TEXT, "maxLength": 4096},
            "priority": {"enum": [1, 2, 3, 4, 5]},
            "click": LINK,
            "actions": {
                "maxItems": 3,
                "items": {
                    "required": ["action", "label", "url"],
                    "properties": {"action": {"const": "view"}, "label": TEXT, "url": LINK},
                },
            },
        },
        "additionalProperties": False,
    },
    "apprise": {
        "required": ["title", "body", "type"],
        "properties": {
            "title": {**TEXT, "maxLength": 250},
            "body": TEXT,
            "type": {"enum": ["info", "success", "warning", "failure"]},
        },
        "additionalProperties": False,
    },
    "matrix": {
        "required": ["msgtype", "body"],
        "properties": {
            "msgtype": {"const": "m.text"},
            "body": TEXT,
            "format": {"const": "org.matrix.custom.html"},
            "formatted_body": TEXT,
            "m.mentions": {"const": {}},
        },
        "additionalProperties": False,
    },
    "teams": {
        "required": ["type", "attachments"],
        "properties": {
            "type": {"const": "message"},
            "attachments": {
                "minItems": 1,
                "items": {
                    "required": ["contentType", "content"],
                    "properties": {
                        "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                        "content": {
                            "required": ["type", "version", "body"],
                            "properties": {
                                "type": {"const": "AdaptiveCard"},
                                "version": {"const": "1.4"},
                                "$schema": LINK | {"pattern": "^http://adaptivecards.io/schemas/"},
                                "body": {
                                    "items": {
                                        "required": ["type", "text"],
                                        "properties": {
                                            "type": {"const": "TextBlock"},
                                            "text": TEXT,
                                            "wrap": {"type": "boolean"},
                                            "weight": {"enum": ["Lighter", "Default", "Bolder"]},
                                            "size": {"enum": ["Small", "Default", "Medium"]},
                                        },
                                        "additionalProperties": False,
                                    }
                                },
                                "actions": {
                                    "items": {
                                        "required": ["type", "url"],
                                        "properties": {
                                            "type": {"const": "Action.OpenUrl"},
                                            "title": TEXT,
                                            "url": LINK,
                                        },
                                    }
                                },
                            },
                            "additionalProperties": False,
                        },
                    },
                    "additionalProperties": False,
                },
            },
        },
        "additionalProperties": False,
    },
}
POSTED = [form for form in ALL if form not in ("email", "apprise")]  # they have tests of their own
DESTINATIONS = [form for form in ALL if form != "email"]
URLS = {
    "teams": "https://x.logic.azure.com/workflows/abc/triggers/manual/paths/invoke?sig=s3cret-sig",
    "ntfy": "https://ntfy.example/alarms",
    "matrix": "https://m.example/_matrix/client/v3/rooms/%21room%3Am.example/send/m.room.message",
    "pagerduty": "https://events.pagerduty.com/v2/enqueue",
    "opsgenie": "https://api.opsgenie.com/v2/alerts",
    "apprise": "apprise://phones",
}
HEADERS = {
    "teams": {},
    "ntfy": {"Authorization": "Bearer tk_secret123"},
    "matrix": {"Authorization": "Bearer syt_secret123"},
    "pagerduty": {"X-Routing-Key": "e93facc04764012d7bfb002500d5d1a6"},
    "opsgenie": {"Authorization": "GenieKey secret-123"},
    "apprise": {"X-Apprise-URL": "signal://secret-123/+15550100"},
}
LONG = {
    "monitor": {"id": "mo_1", "name": "n" * 500, "tags": ["t" * 100] * 40},
    "label": "<@everyone> [x](y) *b*" * 100,
    "contract": {**DATA["contract"], "symbol": "&<a href='//x'>" * 90},
}


def sent(form: str, stored: str):
    """Return what is sent of a stored body."""
    if form not in WIRED:
        return json.loads(stored)
    made = wired(form, URLS[form], HEADERS[form], "de_1", stored.encode())
    return json.loads(made.body)


@pytest.mark.parametrize("more", [{}, LONG], ids=["usual", "long"])
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("form", DESTINATIONS)
def test_each_phase_is_as_the_service_publishes_it(form, phase, more):
    """Whatever strangers wrote, within all limits, and below the 28 KB of Teams."""
    stored = body_of(Form(form), phase, **more)

    jsonschema.validate(sent(form, stored), {"type": "object", **SCHEMAS[form]})
    assert len(stored) < 28_000


@pytest.mark.parametrize("form", DESTINATIONS)
def test_each_says_what_happened_in_a_sentence(form):
    """With amount, token, label and link."""
    stored = body_of(Form(form))
    text = re.sub(r"\\+", "", stored)

    assert HEADLINE in text
    assert "hot wallet" in text
    assert TRANSACTION in text


@pytest.mark.parametrize("form", DESTINATIONS)
def test_no_key_is_in_what_is_stored(form):
    """The body of a delivery is shown to all who may read."""
    stored = body_of(Form(form))

    for secret in HEADERS[form].values():
        assert secret.split()[-1] not in stored


def test_an_alert_is_opened_and_resolved_by_the_same_key():
    """A block that left the chain closes what its match had opened; a ping opens nothing."""
    opened, confirmed, closed = (
        sent("pagerduty", body_of(Form("pagerduty"), phase))
        for phase in (Phase.DETECTED, Phase.CONFIRMED, Phase.REVERTED)
    )
    ping = sent("pagerduty", notice_body(Form("pagerduty"), "ping", "It works.", {}, NOW))

    assert [each["event_action"] for each in (opened, confirmed, closed, ping)] == [
        "trigger", "trigger", "resolve", "resolve",
    ]  # fmt: skip
    assert opened["dedup_key"] == confirmed["dedup_key"] == closed["dedup_key"] == "ma_1"
    assert ping["dedup_key"] != "ma_1"


def test_opsgenie_closes_by_alias():
    """At another path, which names the alert."""
    opened = body_of(Form("opsgenie")).encode()
    closed = body_of(Form("opsgenie"), Phase.REVERTED).encode()
    targets = [
        wired("opsgenie", URLS["opsgenie"], {}, "de_1", stored).target
        for stored in (opened, closed)
    ]

    assert json.loads(opened)["alias"] == "ma_1"
    assert targets == ["/v2/alerts", "/v2/alerts/ma_1/close?identifierType=alias"]


async def test_matrix_is_put_by_the_id_of_the_delivery(poster):
    """So that what is sent twice is there once."""
    seen = []

    async def talk(reader, writer):
        seen.append(await request_of(reader))
        answer = b'{"event_id": "$1"}'
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer)
        writer.write(head + answer)
        await writer.drain()
        await reader.read()

    async with raw_receiver(talk) as url:
        room = url + URLS["matrix"].partition("m.example/")[2]
        one = endpoint(room, format="matrix", headers=HEADERS["matrix"])
        outcome = await poster.post(one, "de_1", body_of(Form("matrix")).encode(), NOW)

    head = seen[0].partition(b"\r\n")[0].decode()
    path = "/_matrix/client/v3/rooms/%21room%3Am.example/send/m.room.message/de_1"
    assert outcome.succeeded, outcome
    assert head == f"PUT {path} HTTP/1.1"
    assert b"Authorization: Bearer syt_secret123" in seen[0]


async def test_ntfy_gets_its_topic_in_the_body(poster):
    """At the root, where it takes JSON; the signature is of what is sent."""
    answer = web.json_response({"id": "x", "event": "message"})
    async with Receiver([lambda _: answer]) as one:
        url = one.url.replace("/hook", "/alarms")
        made = endpoint(url, format="ntfy")
        outcome = await poster.post(made, "de_1", body_of(Form("ntfy")).encode(), NOW)

    assert outcome.succeeded, outcome
    assert one.received[0].path == "/"
    assert json.loads(one.received[0].body)["topic"] == "alarms"


def test_pagerdutys_key_is_in_the_body_alone():
    """It is no header of theirs."""
    made = endpoint(URLS["pagerduty"], format="pagerduty", headers=HEADERS["pagerduty"])

    assert not [
        name for name in request_headers(made, "de_1", b"", NOW) if "routing" in name.lower()
    ]


@pytest.mark.parametrize(
    "form, body, why",
    [
        ("teams", "Webhook message delivery failed: HTTP error 413", "HTTP error 413"),
        ("teams", {"error": {"code": "TriggerDisabled", "message": "it is off"}}, "it is off"),
        ("ntfy", {"code": 40009, "http": 400, "error": "topic invalid"}, "topic invalid"),
        ("matrix", {"errcode": "M_FORBIDDEN", "error": "not in room"}, "M_FORBIDDEN: not in room"),
        ("pagerduty", {"status": "invalid event", "message": "m", "errors": ["e"]}, "m; e"),
        ("opsgenie", {"message": "Key format is not valid!", "took": 0.0}, "Key format"),
        *((form, "<html>log in</html>", "log in") for form in POSTED if form != "teams"),
    ],
)
async def test_an_error_inside_a_200_is_a_failure(poster, form, body, why):
    """By what each service answers where it took nothing."""
    text = body if isinstance(body, str) else json.dumps(body)
    async with Receiver([lambda _: web.Response(text=text)]) as one:
        one.method = "PUT" if form == "matrix" else "POST"
        made = endpoint(one.url, format=form)
        outcome = await poster.post(made, "de_1", b'{"x":1}', NOW)

    assert not outcome.succeeded
    assert why in outcome.error


@pytest.mark.parametrize(
    "form, url, headers, pointers",
    [
        ("matrix", "https://m.example/rooms/x", HEADERS["matrix"], ["/url"]),
        ("matrix", URLS["matrix"], {}, ["/headers"]),
        ("ntfy", "https://ntfy.example/", {}, ["/url"]),
        ("ntfy", "https://ntfy.example/a%20b", {}, ["/url"]),
        ("pagerduty", URLS["pagerduty"], {}, ["/headers"]),
        ("opsgenie", "https://api.opsgenie.com/", {}, ["/url", "/headers"]),
    ],
)
def test_what_cannot_be_sent_is_refused(form, url, headers, pointers):
    """A sentence that says how to write it, when it is saved."""
    with pytest.raises(Invalid) as refused:
        check_form(Form(form), url, headers)

    assert [one.pointer for one in refused.value.mistakes] == pointers


@pytest.mark.parametrize("form", DESTINATIONS)
def test_what_is_written_rightly_is_accepted(form):
    """The URLs and headers of the documentation."""
    check_form(Form(form), URLS[form], HEADERS[form])


@pytest.mark.parametrize("form", DESTINATIONS)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_severity_is_told_as_the_service_knows_it(form, severity):
    """In its field, within its schema; in words where there is none, and only while it holds."""
    monitor = {**DATA["monitor"], "severity": severity}
    told = sent(form, body_of(Form(form), monitor=monitor))
    over = body_of(Form(form), Phase.REVERTED, monitor=monitor)
    place = SEVERITIES.index(severity)

    jsonschema.validate(told, {"type": "object", **SCHEMAS[form]})
    if form == "pagerduty":
        assert told["payload"]["severity"] == severity
    if form == "opsgenie":
        assert told["priority"] == ("P5", "P3", "P2", "P1")[place]
    if form == "ntfy":
        assert told["priority"] == place + 2
    loud = f"{severity.upper()}: Treasury" in re.sub(r"\\+", "", json.dumps(told))
    assert loud == (severity in ("error", "critical"))
    assert severity.upper() not in over


def test_an_alert_is_acknowledged_as_its_service_publishes_it():
    """By the key that opened it, at Opsgenie's address for that."""
    stored = {form: acknowledgement_body(form, "ma_1") for form in ALERTS}
    made = {form: wired(form, URLS[form], HEADERS[form], "de_1", stored[form].encode()) for form in ALERTS}  # fmt: skip

    for form in ALERTS:
        jsonschema.validate(json.loads(made[form].body), {"type": "object", **SCHEMAS[form]})
    assert json.loads(made["pagerduty"].body) == {
        "routing_key": HEADERS["pagerduty"]["X-Routing-Key"],
        "event_action": "acknowledge",
        "dedup_key": "ma_1",
    }
    assert made["opsgenie"].target == "/v2/alerts/ma_1/acknowledge?identifierType=alias"
