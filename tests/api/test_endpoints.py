"""Endpoints through the REST API."""

import json
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer
from standardwebhooks.webhooks import Webhook

from crypitor.api import SERVER_OPTIONS, build
from crypitor.database.keys import Scope
from crypitor.webhook.closed import Closed
from tests.api.conftest import START
from tests.webhook.certificates import Authority
from tests.webhook.queued import BROKEN, Store, delivery

ENDPOINTS = "/v1/endpoints"
BODY = {"url": "https://example.com/hook", "headers": {"Authorization": "Bearer canary"}}


async def test_endpoint_is_made_with_defaults(api):
    """A URL is enough; the secret, which the Standard Webhooks library takes, comes with it."""
    made = await api.made(ENDPOINTS, {"url": "https://example.com/hook"})

    Webhook(made.pop("secret"))
    assert {k: v for k, v in made.items() if k not in ("id", "created_at", "updated_at")} == {
        "url": "https://example.com/hook",
        "description": "",
        "format": "standard",
        "template": None,
        "signature": "v1",
        "public_key": None,
        "headers": {},
        "ordered": False,
        "rate_per_second": None,
        "events": [],
        "enabled": True,
        "state": "healthy",
        "state_reason": None,
        "circuit": "closed",
        "waiting": None,
    }


async def test_an_ordered_endpoint_says_why_and_until_when_it_waits(api):
    """Its first delivery failed: since that attempt everything behind it waits for the next one."""
    ordered = await api.made(ENDPOINTS, {"url": BODY["url"], "ordered": True})
    other = await api.made(ENDPOINTS, {"url": BODY["url"]})
    store = Store(api.context.database)
    for endpoint in (ordered["id"], other["id"]):
        first, second = f"de_1{endpoint}", f"de_2{endpoint}"
        await store.queue(
            delivery(first, endpoint, project_id=api.project),
            delivery(second, endpoint, project_id=api.project),
            now=START,
        )
        claimed = await store.claim(endpoint, now=START, limit=1)
        failed = replace(BROKEN, started_at=START)
        await store.record((claimed[0], failed), now=START + 10)
    _, page = await api.call("GET", ENDPOINTS)
    _, read = await api.call("GET", f"{ENDPOINTS}/{ordered['id']}")

    assert read["waiting"] == {
        "reason": "retry",
        "since": "2026-09-21T14:13:20.000Z",
        "delivery": f"de_1{ordered['id']}",
        "next_attempt_at": "2026-09-21T14:13:25.010Z",
    }
    assert {one["id"]: one["waiting"] for one in page["data"]} == {
        ordered["id"]: read["waiting"],
        other["id"]: None,
    }


async def test_reader_sees_neither_secret_nor_header_values(api):
    """A key with read scope gets *** for header values and 403 for the secret."""
    made = await api.made(ENDPOINTS, BODY)
    reader = await api.key(Scope.READ)

    _, read = await api.call("GET", f"{ENDPOINTS}/{made['id']}", key=reader)
    _, page = await api.call("GET", ENDPOINTS, key=reader)
    secret, _ = await api.call("GET", f"{ENDPOINTS}/{made['id']}/secret", key=reader)

    assert read["headers"] == page["data"][0]["headers"] == {"Authorization": "***"}
    assert "secret" not in read
    assert secret.status == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "ftp://example.com"}, "/url"),
        ({"url": "https://u:p@example.com"}, "/url"),
        ({"url": "http://169.254.169.254/"}, "/url"),
        ({"url": "https://" + "a" * 2050}, "/url"),
        ({"url": "https://example.com", "headers": {"Host": "x"}}, "/headers/Host"),
        ({"url": "https://example.com", "headers": {"webhook-id": "x"}}, "/headers/webhook-id"),
        ({"url": "https://example.com", "headers": {"a b": "x"}}, "/headers/a b"),
        ({"url": "https://example.com", "headers": {"a": "x\r\ny"}}, "/headers/a"),
        ({"url": "https://example.com", "format": "pigeon"}, "/format"),
        ({"url": "https://example.com", "state": "healthy"}, "/state"),
        ({"url": "https://example.com", "rate_per_second": 0}, "/rate_per_second"),
        ({"url": "https://example.com", "rate_per_second": 5e-324}, "/rate_per_second"),
        ({"url": "https://example.com", "rate_per_second": 1e-9}, "/rate_per_second"),
        ({"url": "https://example.com", "ordered": 1}, "/ordered"),
    ],
)
async def test_refusal_points_to_the_place(api, body, pointer):
    """What an endpoint cannot be is 400 with a pointer."""
    answer, problem = await api.call("POST", ENDPOINTS, json=body)

    assert answer.status == 400
    assert [wrong["pointer"] for wrong in problem["errors"]] == [pointer]


TELEGRAM = "https://api.telegram.org/bot1:canary/sendMessage?chat_id=5"
QUIET = {"most": 5, "window_seconds": 600}
NIGHT = {"begins": "22:00", "ends": "07:00", "timezone": "Europe/Berlin"}
TEMPLATE = {"body": '{"text": "{{text}}"}', "content_type": "application/json"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"format": "telegram", "url": "https://api.telegram.org/bot1:x/sendMessage"}, "/url"),
        ({"format": "telegram", "url": "https://api.telegram.org/bot1:x?chat_id=1"}, "/url"),
        ({"template": {"body": '{"a": "{{data.nothing}}"}'}}, "/template/body"),
        ({"template": {"body": "x" * 16_385}}, "/template/body"),
        ({"template": {"body": ""}}, "/template/body"),
        ({"template": {**TEMPLATE, "content_type": "text"}}, "/template/content_type"),
        ({"template": {**TEMPLATE, "content_type": "a/b\r\nX: y"}}, "/template/content_type"),
        ({"template": TEMPLATE, "format": "slack"}, "/template"),
        ({"success": {"status": "4xx"}}, "/success/status"),
        ({"digest": {"seconds": 60}}, "/digest"),
        ({"quiet": {"most": 5}}, "/quiet/window_seconds"),
        ({"quiet": {"most": 0, "window_seconds": 60}}, "/quiet/most"),
        ({"quiet": {"most": 5, "window_seconds": 86_401}}, "/quiet/window_seconds"),
        ({"quiet": QUIET, "ordered": True}, "/quiet"),
        ({"silence": [{"begins": "24:00", "ends": "07:00"}]}, "/silence/0/begins"),
        ({"silence": [{**NIGHT, "days": []}]}, "/silence/0/days"),
        ({"silence": [NIGHT, {**NIGHT, "timezone": "Mars/Olympus"}]}, "/silence/1/timezone"),
        ({"silence": [NIGHT] * 8}, "/silence"),
        ({"quiet": QUIET, "format": "crypitor"}, "/quiet"),
        (
            {"quiet": QUIET, "format": "pagerduty", "headers": {"X-Routing-Key": "a" * 32}},
            "/quiet",
        ),
        ({"format": "email"}, "/url"),
        ({"url": "smtps://mail.example.com/?from=a@b.c&to=d@b.c"}, "/url"),
        ({"format": "email", "url": "smtps://127.0.0.1/?from=a@b.c&to=d@b.c"}, "/url"),
        ({"format": "pagerduty"}, "/headers"),
        ({"success": {"status": "2xx,410"}}, "/success/status"),
        ({"success": {"status": "fine"}}, "/success/status"),
        ({"success": {"body": {"pointer": "ok"}}}, "/success/body/pointer"),
    ],
)
async def test_a_form_that_cannot_be_sent_is_refused(api, body, pointer):
    """Format, template and URL have to go together."""
    answer, problem = await api.call("POST", ENDPOINTS, json={"url": BODY["url"], **body})

    assert answer.status == 400
    assert [wrong["pointer"] for wrong in problem["errors"]] == [pointer]


async def test_a_part_of_the_service_is_no_endpoint(api):
    """A node's name, for example, however public."""
    context = replace(api.context, closed=Closed([("rpc.example.com", 443)]))
    async with TestServer(build(context)) as server:
        url = str(server.make_url("")).rstrip("/")
        answer, problem = await replace(api, url=url).call(
            "POST", ENDPOINTS, json={"url": "https://rpc.example.com/hook"}
        )

    assert answer.status == 400
    assert problem["errors"] == [
        {"pointer": "/url", "detail": "rpc.example.com:443 belongs to this service itself"}
    ]


async def test_a_template_is_kept_changed_and_removed(api):
    """Like any other field."""
    made = await api.made(ENDPOINTS, {"url": BODY["url"], "template": {"body": "{}"}})
    path = f"{ENDPOINTS}/{made['id']}"
    _, changed = await api.call("PATCH", path, json={"template": {"content_type": "text/plain"}})
    _, removed = await api.call("PATCH", path, json={"template": None})

    assert made["template"] == {"body": "{}", "content_type": "application/json"}
    assert changed["template"] == {"body": "{}", "content_type": "text/plain"}
    assert removed["template"] is None


async def test_an_endpoint_says_what_success_looks_like(api):
    """As it was written; a patch changes a part of it, and null takes it away."""
    rule = {"status": "2xx,409", "body": {"pointer": "/ok", "value": True}}
    made = await api.made(ENDPOINTS, {"url": BODY["url"], "success": rule})
    path = f"{ENDPOINTS}/{made['id']}"
    _, changed = await api.call("PATCH", path, json={"success": {"body": "fine"}})
    _, removed = await api.call("PATCH", path, json={"success": None})

    assert made["success"] == rule
    assert changed["success"] == {"status": "2xx,409", "body": "fine"}
    assert "success" not in removed


async def test_an_endpoint_is_told_only_so_much(api):
    """A patch changes a part of the limit, and null takes it away; a change counts what gathered."""
    made = await api.made(ENDPOINTS, {"url": BODY["url"], "quiet": QUIET})
    path, write = f"{ENDPOINTS}/{made['id']}", api.context.database.write
    full = "update endpoints set quiet_left = 0, quiet_until = :until"
    await write(lambda tx: tx.run(full, until=api.clock() + 600_000))
    _, same = await api.call("PATCH", path, json={"description": "quiet"})
    windows = [await window_of(api)]
    _, changed = await api.call("PATCH", path, json={"quiet": {"most": 7}})
    windows.append(await window_of(api))
    _, removed = await api.call("PATCH", path, json={"quiet": None})
    windows.append(await window_of(api))

    assert made["quiet"] == same["quiet"] == QUIET
    assert changed["quiet"] == {**QUIET, "most": 7}
    assert "quiet" not in removed
    assert windows == [(api.clock() + 600_000, 0), (0, 0), (0, 1)]


async def window_of(api) -> tuple[int, int]:
    """Return when the window of the only endpoint ends, and its room."""
    [row] = await api.context.database.read(
        lambda tx: tx.all("select quiet_until, quiet_left from endpoints")
    )
    return row["quiet_until"], row["quiet_left"]


async def test_tls_is_taken_and_never_shown_again(api):
    """Only by the hashes of its certificates; a patch changes a part of it, null takes it away."""
    authority = Authority()
    client = authority.sign("crypitor")
    pair = {"certificate": client.certificate, "key": client.key}
    made = await api.made(ENDPOINTS, {"url": BODY["url"], "tls": {"ca": authority.pem, **pair}})
    path = f"{ENDPOINTS}/{made['id']}"
    _, read = await api.call("GET", path)
    _, changed = await api.call("PATCH", path, json={"tls": {"ca": None}})
    other, problem = await api.call("PATCH", path, json={"tls": {"key": authority.sign().key}})
    _, removed = await api.call("PATCH", path, json={"tls": None})

    assert "BEGIN" not in str((made, read, changed))
    assert read["tls"]["ca"].startswith("sha256:")
    assert read["tls"]["key"] == "***"
    assert changed["tls"] == {**read["tls"], "ca": None}
    assert other.status == 400
    assert [wrong["pointer"] for wrong in problem["errors"]] == ["/tls/key"]
    assert "tls" not in removed


async def test_letters_are_declared_like_webhooks(api):
    """Over which server, from whom and to whom; a reader sees the server alone."""
    url = "smtps://mail.example.com/?from=alarms@example.com&to=ops@example.com"
    digest = {"seconds": 600, "count": 50}
    made = await api.made(ENDPOINTS, {"url": url, "format": "email", "digest": digest})
    reader = await api.key(Scope.READ)
    _, read = await api.call("GET", f"{ENDPOINTS}/{made['id']}", key=reader)

    assert made["url"] == url.replace(".com/", ".com:465/")
    assert made["digest"] == digest
    assert read["url"] == "smtps://mail.example.com:465/***"


async def test_reader_does_not_see_a_chat_services_url(api):
    """It is the key to the chat."""
    made = await api.made(ENDPOINTS, {"url": TELEGRAM, "format": "telegram"})
    reader = await api.key(Scope.READ)
    _, read = await api.call("GET", f"{ENDPOINTS}/{made['id']}", key=reader)

    assert made["url"] == TELEGRAM
    assert read["url"] == "https://api.telegram.org/***"


async def test_patch_merges_headers(api):
    """In a merge patch headers are added, changed, and removed by null, one by one."""
    made = await api.made(ENDPOINTS, {**BODY, "headers": {"A": "1", "B": "2"}})

    _, changed = await api.call(
        "PATCH", f"{ENDPOINTS}/{made['id']}", json={"headers": {"A": None, "C": "3"}}
    )

    assert changed["headers"] == {"B": "2", "C": "3"}
    assert changed["url"] == made["url"]


async def test_enabling_opens_what_failures_disabled(api):
    """`enabled: true` makes a disabled endpoint healthy again, and wakes the sender."""
    made = await api.made(ENDPOINTS, BODY)
    await api.context.database.write(
        lambda tx: tx.run(
            "update endpoints set enabled = 0, state = 'disabled', state_reason = 'it answered 410'"
        )
    )

    _, changed = await api.call("PATCH", f"{ENDPOINTS}/{made['id']}", json={"enabled": True})

    assert api.woken == [1]
    assert (changed["enabled"], changed["state"], changed["state_reason"]) == (
        True,
        "healthy",
        None,
    )


async def test_deleted_endpoint_leaves_its_monitors(api):
    """A deleted endpoint is gone from its monitors, in the database and in the index."""
    kept = await api.made(ENDPOINTS, BODY)
    gone = await api.made(ENDPOINTS, BODY)
    monitor = await api.made(
        "/v1/monitors",
        {
            "networks": ["ethereum"],
            "addresses": ["0x" + "a" * 40],
            "endpoints": [gone["id"], kept["id"]],
        },
    )

    answer, _ = await api.call("DELETE", f"{ENDPOINTS}/{gone['id']}")

    _, read = await api.call("GET", f"/v1/monitors/{monitor['id']}")
    [watching] = api.index.watching(api.index.look_up("0x" + "a" * 40))
    assert answer.status == 200
    assert read["endpoints"] == [kept["id"]]
    assert watching.monitor.endpoints == (kept["id"],)


async def test_list_is_newest_first(api):
    """Endpoints are listed newest first, page by page."""
    made = []
    for _ in range(3):
        api.clock.now += 1
        made.append((await api.made(ENDPOINTS, BODY))["id"])

    _, first = await api.call("GET", f"{ENDPOINTS}?limit=2")
    _, second = await api.call("GET", f"{ENDPOINTS}?limit=2&cursor={first['next_cursor']}")

    assert [one["id"] for one in first["data"] + second["data"]] == made[::-1]
    assert second["next_cursor"] is None


async def test_a_topic_is_an_endpoint_where_it_is_allowed(api):
    """Exact names, and names with an allowed beginning; no other, and none without a permission."""
    context = replace(api.context, kafka_topics=("matches", "team.*"))
    async with TestServer(build(context)) as server:
        await server.start_server(**SERVER_OPTIONS)
        allowing = replace(api, url=str(server.make_url("")).rstrip("/"))
        made = [
            (await allowing.made(ENDPOINTS, {"url": f"kafka://{topic}"}))["url"]
            for topic in ("matches", "team.a")
        ]
        refused = [
            await allowing.call("POST", ENDPOINTS, json={"url": f"kafka://{topic}"})
            for topic in (
                "matches2",
                "crypitor.blocks",
                "team.a/b",
                "team.a?x",
                "team.a b",
                "team.*",
                "",
            )
        ]
    _, nowhere = await api.call("POST", ENDPOINTS, json={"url": "kafka://matches"})

    assert made == ["kafka://matches", "kafka://team.a"]
    for answer, problem in refused:
        assert answer.status == 400
        assert [error["pointer"] for error in problem["errors"]] == ["/url"]
        assert "webhook.kafka_topics" in problem["errors"][0]["detail"]
    assert nowhere["errors"] == [
        {
            "pointer": "/url",
            "detail": "Kafka topics are not allowed here (see webhook.kafka_topics)",
        }
    ]


@pytest.mark.parametrize(
    "url, shown",
    [
        ("https://hooks.example.com/token/abc", "https://hooks.example.com/***"),
        ("https://hooks.example.com/?key=abc", "https://hooks.example.com/***"),
        ("https://hooks.example.com:8443/x", "https://hooks.example.com:8443/***"),
        ("https://hooks.example.com/", "https://hooks.example.com/"),
    ],
)
async def test_a_reader_sees_no_path_and_no_query(api, url, shown):
    """Whatever the format: they are keys more often than not."""
    made = await api.made(ENDPOINTS, {"url": url})
    _, read = await api.call("GET", f"{ENDPOINTS}/{made['id']}", key=await api.key(Scope.READ))
    _, page = await api.call("GET", ENDPOINTS, key=await api.key(Scope.READ))

    assert made["url"] == url
    assert read["url"] == page["data"][0]["url"] == shown


async def test_the_own_receiver_is_an_endpoint_like_any_other(api):
    """Whatever may be called; a ping goes out signed, and the answer says that it was verified."""
    made = await api.made(ENDPOINTS, {"url": "TEST://receiver/"})
    _, told = await api.call("POST", f"{ENDPOINTS}/{made['id']}/ping")

    assert made["url"] == "test://receiver"
    assert (told["succeeded"], told["status_code"]) == (True, 200)
    assert '"received":"ping","signature":"verified"' in told["answer"]


@pytest.mark.parametrize("form", ["slack", "email", "ntfy"])
async def test_the_own_receiver_takes_what_receivers_read(api, form):
    """A message for another service is refused, with a pointer."""
    answer, refused = await api.call(
        "POST", ENDPOINTS, json={"url": "test://receiver", "format": form}
    )

    assert answer.status == 400
    assert {"/format", "/url"} & {one["pointer"] for one in refused["errors"]}


async def test_hours_of_silence_are_answered_as_they_are_kept(api):
    """All days where none was named; other hours, or none, are in force at once."""
    body = {"url": "https://example.com", "silence": [NIGHT, {**NIGHT, "days": ["sun", "mon"]}]}
    _, made = await api.call("POST", ENDPOINTS, json=body)
    path = f"{ENDPOINTS}/{made['id']}"
    _, same = await api.call("PATCH", path, json={"description": "on call"})
    _, none = await api.call("PATCH", path, json={"silence": []})

    assert [one["days"] for one in made["silence"]] == [
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ["mon", "sun"],
    ]  # fmt: skip
    assert same["silence"] == made["silence"]
    assert "silence" not in none


async def test_only_operators_have_calls_made_by_apprise(api, stranger):
    """To anywhere, and so neither keys without admin scope nor other projects, nor by a change."""
    body = {
        "url": "apprise://phones", "format": "apprise",
        "headers": {"X-Apprise-URL": "json://127.0.0.1:9/t0ken"},
    }  # fmt: skip
    writer, reader = await api.key(Scope.WRITE), await api.key(Scope.READ)
    answers = [
        (await api.call("POST", ENDPOINTS, json=body, key=key))[0].status
        for key in (writer, stranger, None)
    ]
    _, listed = await api.call("GET", ENDPOINTS, key=reader)
    path = f"{ENDPOINTS}/{listed['data'][0]['id']}"
    changed, _ = await api.call("PATCH", path, json={"description": "x"}, key=writer)
    _, plain = await api.call("POST", ENDPOINTS, json={"url": "https://example.com"}, key=writer)
    made, _ = await api.call("PATCH", f"{ENDPOINTS}/{plain['id']}", json=body, key=writer)

    assert answers == [403, 403, 201]
    assert (changed.status, made.status) == (403, 403)
    assert "t0ken" not in json.dumps(listed)
