"""What can be done about endpoints, deliveries, keys and jobs."""

import re

from crypitor.database.keys import Scope, ensure_project
from crypitor.webhook.body import rfc3339
from tests.api.rows import insert_delivery, insert_match

URL = "https://example.com/hook"


async def test_an_endpoint_is_made_and_its_secret_shown(api, admin):
    """With headers, a rate and a body of its own; the page has the secret in what verifies it."""
    await admin.get("/endpoints/new")
    made = await admin.post(
        "/endpoints/new",
        {
            "url": URL, "description": "ops", "format": "standard", "signature": "v1", "ordered": "true",
            "headers": "Authorization: Bearer x:y\nX-Team: ops\n", "rate_per_second": "2.5",
            "template": '{"text": "{{text}}"}', "template_type": "application/json", "events": "true",
        },
    )  # fmt: skip
    page = await admin.get(made.to)
    endpoint_id = made.to.split("/")[2].split("?")[0]
    _, endpoint = await api.call("GET", f"/v1/endpoints/{endpoint_id}")
    _, secret = await api.call("GET", f"/v1/endpoints/{endpoint_id}/secret")

    assert endpoint["headers"] == {"Authorization": "Bearer x:y", "X-Team": "ops"}
    assert (endpoint["ordered"], endpoint["rate_per_second"]) == (True, 2.5)
    assert endpoint["template"]["body"] == '{"text": "{{text}}"}'
    assert endpoint["events"] == ["endpoint.disabled", "endpoint.failing"]
    assert page.html.text.count(secret["secret"]) >= 4


async def test_saving_an_endpoint_unchanged_changes_nothing_and_a_header_can_go(api, admin):
    """What its form shows is what it is; a line that was deleted is a header less."""
    made = await api.made(
        "/v1/endpoints", {"url": URL, "headers": {"X-A": "1", "X-B": "2"}, "rate_per_second": 3}
    )
    path = f"/endpoints/{made['id']}/edit"
    _, before = await api.call("GET", f"/v1/endpoints/{made['id']}")
    opened = (await admin.get(path)).html
    seen = next(
        form["fields"]["updated_at"] for form in opened.forms if "updated_at" in form["fields"]
    )
    fields = {"url": URL, "rate_per_second": "3", "updated_at": seen}
    await admin.post(path, {**fields, "headers": "X-A: 1\nX-B: 2"})
    _, same = await api.call("GET", f"/v1/endpoints/{made['id']}")
    await admin.post(path, {**fields, "headers": "X-A: 1", "updated_at": same["updated_at"]})
    _, less = await api.call("GET", f"/v1/endpoints/{made['id']}")

    assert {**same, "updated_at": ""} == {**before, "updated_at": ""}
    assert less["headers"] == {"X-A": "1"}


async def test_a_form_sends_back_the_format_and_the_news_that_an_endpoint_has(api, admin):
    """Whatever they are: an endpoint that is saved as it was shown stays what it is."""
    made = await api.made(
        "/v1/endpoints",
        {"url": "https://ntfy.example.com/alarms", "format": "ntfy", "events": ["endpoint.moved"]},
    )
    path = f"/endpoints/{made['id']}/edit"
    opened = (await admin.get(path)).html
    shown = next(form["fields"] for form in opened.forms if "updated_at" in form["fields"])
    sent = {"url": made["url"], "updated_at": shown["updated_at"], "events": "endpoint.moved"}
    await admin.post(path, {**sent, "format": "ntfy"})
    _, after = await api.call("GET", f"/v1/endpoints/{made['id']}")

    assert '<option value="ntfy" selected>' in opened.text
    assert 'name="events" value="endpoint.moved" checked>' in opened.text
    assert (after["format"], after["events"]) == ("ntfy", ["endpoint.moved"])


async def test_a_form_limits_what_an_endpoint_is_told(api, admin):
    """Two numbers; saved as shown it stays, one of them alone is refused, none takes it away."""
    await admin.post(
        "/endpoints/new", {"url": URL, "quiet_most": "5", "quiet_window_seconds": "60"}
    )
    [made] = (await api.call("GET", "/v1/endpoints"))[1]["data"]
    path = f"/endpoints/{made['id']}/edit"
    opened = (await admin.get(path)).html
    shown = next(form["fields"] for form in opened.forms if "updated_at" in form["fields"])
    sent = {"url": URL, "updated_at": shown["updated_at"]}
    refused = await admin.post(path, {**sent, "quiet_most": "5"})
    await admin.post(path, sent)
    _, after = await api.call("GET", f"/v1/endpoints/{made['id']}")

    assert made["quiet"] == {"most": 5, "window_seconds": 60}
    for name, value in (("quiet_most", "5"), ("quiet_window_seconds", "60")):
        assert re.search(rf'name="{name}" [^>]*value="{value}"', opened.text)
    assert "this has to be a whole number" in refused.html.text
    assert "quiet" not in after


async def test_what_is_no_header_and_no_number_is_told(admin):
    """With its place, and the form as it was."""
    await admin.get("/endpoints/new")
    header = await admin.post("/endpoints/new", {"url": URL, "headers": "nonsense"})
    rate = await admin.post("/endpoints/new", {"url": URL, "rate_per_second": "fast"})
    private = await admin.post("/endpoints/new", {"url": "http://127.0.0.1/x"})

    assert [answer.status for answer in (header, rate, private)] == [400, 400, 400]
    assert "/headers" in header.html.words
    assert "/rate_per_second" in rate.html.words
    assert "/url" in private.html.words
    assert 'value="http://127.0.0.1/x"' in private.html.text


async def test_a_secret_is_rotated_and_the_old_one_signs_until_its_time(api, admin):
    """Both are shown, and until when."""
    made = await api.made("/v1/endpoints", {"url": URL})
    path = f"/endpoints/{made['id']}"
    await admin.get(path)
    rotated = await admin.post(f"{path}/rotate")
    page = await admin.get(rotated.to)

    assert made["secret"] in page.html.text
    assert "signs too until" in page.html.words
    assert len(set(re.findall(r"whsec_[A-Za-z0-9+/=]+", page.html.text))) == 2


async def test_an_endpoint_is_switched_off_and_on_and_deleted(api, admin):
    """Each by a button of its page."""
    made = await api.made("/v1/endpoints", {"url": URL})
    path, states = f"/endpoints/{made['id']}", []
    await admin.get(path)
    for on in ("false", "true"):
        await admin.post(f"{path}/enabled", {"enabled": on})
        states.append((await api.call("GET", f"/v1{path}"))[1]["enabled"])
    gone = await admin.post(f"{path}/delete")

    assert states == [False, True]
    assert (gone.to, (await api.call("GET", f"/v1{path}"))[0].status) == ("/endpoints", 404)


async def test_a_failed_delivery_is_sent_again(api, admin):
    """One by its page; all of an endpoint as a job, whose page shows how far it is."""
    endpoint = await api.made("/v1/endpoints", {"url": URL})

    async def unit(tx):
        project = await ensure_project(tx, 1, api.context.random_bytes)
        for number in (1, 2):
            await insert_delivery(
                tx, project, number, endpoint_id=endpoint["id"], status="failed", body="{}",
                created_at=api.clock() - 10,
            )  # fmt: skip

    await api.context.database.write(unit)
    delivery = f"/deliveries/de_{1:022}"
    await admin.get(delivery)
    again = await admin.post(f"{delivery}/retry")
    _, retried = await api.call("GET", f"/v1{delivery}")
    before = await admin.get(f"/replay?endpoint={endpoint['id']}&status=failed")
    job = await admin.post("/replay", {"endpoint": endpoint["id"], "status": "failed"})
    shown = await admin.get(job.to)
    stopped = await admin.post(f"{job.to}/cancel")

    assert (again.to, retried["status"]) == (delivery, "pending")
    assert "1 delivery" in before.html.words
    assert "Replay queued" in shown.html.words
    assert "of 1" in shown.html.words
    assert (await admin.get(stopped.to)).html.words.count("cancelled")


async def test_a_key_is_shown_once_and_revoked(api, admin):
    """Its secret is in the answer that makes it and on no page after."""
    await admin.get("/keys")
    made = await admin.post("/keys", {"name": "robot", "scope": "read"})
    [secret] = set(re.findall(r"ke_[0-9a-z]{26}_[0-9A-Za-z]{49}", made.html.text))
    after = await admin.get("/keys")
    key_id = secret.rsplit("_", 1)[0]
    opened = (await api.call("GET", "/v1/monitors", key=secret))[0].status
    await admin.post(f"/keys/{key_id}/revoke")
    closed = (await api.call("GET", "/v1/monitors", key=secret))[0].status

    assert made.status == 200
    assert secret not in after.html.text
    assert (opened, closed) == (200, 401)


async def test_the_stream_comes_with_the_cookie(api, browser):
    """As `/v1/stream`, for a browser, whose EventSource sends no key."""
    refused = await browser.get("/live")
    await browser.log_in(await api.key(Scope.READ))
    async with browser.session.get(f"{api.url}/live?kind=erc20") as answer:
        begun = await answer.content.readuntil(b"\n\n")

    assert refused.status == 303
    assert answer.content_type == "text/event-stream"
    assert begun.startswith(b":")


async def test_the_colours_that_were_chosen_stay(admin):
    """In this browser, until the system's are chosen again."""
    await admin.get("/about")
    await admin.post("/theme", {"theme": "dark", "to": "/about"})
    dark = await admin.get("/about")
    await admin.post("/theme", {"theme": "", "to": "/about"})
    system = await admin.get("/about")

    assert 'data-theme="dark"' in dark.html.text
    assert "data-theme" not in system.html.text


async def test_what_was_done_on_a_page_is_in_the_audit_as_from_the_api(api, admin):
    """Under the operation's name, with what it was done to and by which key."""
    made = await api.made("/v1/monitors", {"name": "m", "networks": ["dev"]})
    path = f"/monitors/{made['id']}"
    await admin.get(path)
    await admin.post(f"{path}/enabled", {"enabled": "false"})
    await admin.post(f"{path}/delete")
    _, page = await api.call("GET", "/v1/audit?limit=2")

    assert [(one["action"], one["subject"]) for one in page["data"]] == [
        ("monitor.delete", made["id"]),
        ("monitor.change", made["id"]),
    ]


async def test_what_is_sent_again_is_counted_before(api, admin):
    """By status and time, of one endpoint or monitor of the project; then a job begins."""
    endpoint = await api.made("/v1/endpoints", {"url": "https://example.com/hook"})

    async def unit(tx):
        for number, status in enumerate(("failed", "failed", "delivered", "pending")):
            await insert_delivery(
                tx, api.project, number, endpoint_id=endpoint["id"], status=status, body="{}",
                created_at=api.clock() - 1000 * (number + 1),
            )  # fmt: skip

    await api.context.database.write(unit)
    since = rfc3339(api.clock() - 1500)
    path = f"/replay?endpoint={endpoint['id']}"
    counts = [
        re.search(r"(\d+) deliver", (await admin.get(path + more)).html.words)[1]
        for more in ("", "&status=failed", "&status=delivered", f"&status=failed&since={since}")
    ]
    filtered = (await admin.get(f"/deliveries?endpoint={endpoint['id']}&since={since}")).html
    wrong = await admin.get(path + "&since=yesterday")
    nothing = await admin.get("/replay")
    foreign = await admin.get("/replay?endpoint=ep_01jd9qv3x8h4b6d8f0g2j4m6q8")
    await admin.get(path)
    job = await admin.post("/replay", {"endpoint": endpoint["id"], "status": "any"})

    assert counts == ["3", "2", "1", "1"]
    assert any("/replay?endpoint=" in link and "since=" in link for link in filtered.links)
    assert (wrong.status, nothing.status, foreign.status) == (400, 400, 404)
    assert "delivered, failed" in (await admin.get(job.to)).html.words


async def test_switching_an_endpoint_off_is_taken_back(api, admin):
    """By the button in the toast."""
    endpoint = await api.made("/v1/endpoints", {"url": "https://example.com/hook"})
    path = f"/endpoints/{endpoint['id']}"
    await admin.get(path)
    await admin.post(f"{path}/enabled", {"enabled": "false"})
    off = await admin.get(path)
    await admin.post(f"{path}/resumed")
    _, after = await api.call("GET", f"/v1{path}")

    assert f'action="{path}/resumed"' in off.html.text
    assert after["enabled"] is True


async def test_a_match_is_acknowledged_on_its_page(api, admin):
    """Then its page says who takes care of it, and offers it no more."""
    match = await api.context.database.write(lambda tx: insert_match(tx, api.project, 1))
    path = f"/matches/{match}"
    offered = (await admin.get(path)).html.text
    await admin.post(f"{path}/acknowledge")
    shown = (await admin.get(path)).html.text

    assert f'action="{path}/acknowledge"' in offered
    assert f'action="{path}/acknowledge"' not in shown
    assert f"by the key <code>{api.admin[:29]}</code>" in shown


async def test_the_test_receiver_is_one_press_away(api, admin):
    """It is made once; a ping goes out and comes back verified."""
    made = await admin.post("/test-receiver")
    page = await admin.get(made.to)
    pinged = await admin.post(made.to + "/ping")
    again = await admin.post("/test-receiver")
    _, listed = await api.call("GET", "/v1/endpoints")

    assert "own receiver" in page.html.words
    assert "The ping was taken: 200" in pinged.html.words
    assert '"signature":"verified"' in pinged.html.text.replace("&#34;", '"')
    assert again.to == made.to
    assert [one["url"] for one in listed["data"]] == ["test://receiver"]


async def test_the_guide_goes_on_until_something_matched(api, admin):
    """Each step that is done is ticked; the only endpoint is chosen for the first monitor."""
    await admin.post("/test-receiver")
    named = (await admin.get("/")).html
    form = (await admin.get("/monitors/new")).html.text
    await api.made("/v1/monitors", {"networks": ["dev"], "addresses": ["0x" + "11" * 20]})
    waiting = (await admin.get("/")).html
    await api.context.database.write(lambda tx: insert_match(tx, api.project, 1))
    over = (await admin.get("/")).html

    assert named.text.count('<li class="done">') == 2
    assert "Test receiver" in named.words
    assert re.search(r'name="endpoint-ep_\w+" checked', form)
    assert "The first webhook goes out with the first match" in waiting.words
    assert "Three steps" not in over.words


async def test_who_was_told_is_named(api, admin):
    """A match's page names the endpoint; one that was deleted has its id."""
    made = await api.made("/v1/endpoints", {"url": URL, "description": "treasury desk"})
    nameless = await api.made("/v1/endpoints", {"url": "https://example.com/key-in-the-path"})

    async def unit(tx):
        match = await insert_match(tx, api.project, 1)
        for place, endpoint in enumerate((made["id"], nameless["id"], "ep_gone"), 1):
            await insert_delivery(tx, api.project, place, match_id=match, endpoint_id=endpoint)
        return match

    match = await api.context.database.write(unit)
    page = (await admin.get(f"/matches/{match}")).html

    assert "to treasury desk" in page.words
    assert "to https://example.com" in page.words
    assert "key-in-the-path" not in page.words
    assert "ep_gone" in page.words


async def test_an_endpoint_shows_how_its_latencies_spread(api, admin):
    """By doublings, with what is between them, and the quantiles of the chosen time."""
    made = await api.made("/v1/endpoints", {"url": URL})
    minute = api.clock() - api.clock() % 60_000
    values = {
        "project_id": api.project, "kind": "endpoint", "subject": made["id"], "span": "minute",
        "at": minute, "success_count": 12, "success_ms": 900, "first_count": 0, "first_ms": 0,
        "success_buckets": '{"18": 9, "19": 2, "30": 1}', "first_buckets": "{}",
        **dict.fromkeys(
            ("detected", "confirmed", "reverted", "delivered", "failed", "cancelled", "taken", "refused", "unanswered"), 0
        ),
    }  # fmt: skip
    names = ", ".join(values)
    await api.context.database.write(
        lambda tx: tx.run(
            f"insert into statistics ({names}) values ({', '.join(f':{one}' for one in values)})",
            **values,
        )
    )
    page = (await admin.get(f"/endpoints/{made['id']}")).html
    _, stats = await api.call("GET", f"/v1/stats?endpoint={made['id']}")

    assert stats["histogram"]["success"] == [
        {"from_ms": 16, "below_ms": 32, "count": 11},
        {"from_ms": 32, "below_ms": 64, "count": 0},
        {"from_ms": 64, "below_ms": 128, "count": 0},
        {"from_ms": 128, "below_ms": 256, "count": 1},
    ]
    assert stats["histogram"]["first_attempt"] == []
    assert "16 ms to 32 ms: 11" in page.words
    assert "128 ms to 256 ms: 1" in page.words
