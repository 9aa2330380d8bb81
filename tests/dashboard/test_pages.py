"""What the pages show, and that what others wrote stays text."""

import json
import re
from dataclasses import replace

import pytest

from crypitor.database.endpoints import insert_endpoint
from crypitor.database.keys import ensure_project
from crypitor.webhook.circuit import Circuit, CircuitState
from crypitor.webhook.delivery import Endpoint, State
from tests.api.rows import insert_delivery, insert_match
from tests.webhook.receivers import SECRET

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202eevil\u202c {{7*7}}"
LISTS = ("/", "/monitors", "/matches", "/deliveries", "/endpoints", "/networks", "/networks/dev", "/jobs", "/keys", "/projects", "/audit", "/settings", "/about", "/login", "/monitors/new", "/endpoints/new")  # fmt: skip


async def _project(api) -> str:
    async def unit(tx):
        return await ensure_project(tx, 1, api.context.random_bytes)

    return await api.context.database.write(unit)


@pytest.fixture
async def filled(api):
    """The paths of one of each thing, all with hostile names."""
    project, hostile = await _project(api), HOSTILE
    endpoint = await api.made(
        "/v1/endpoints",
        {"url": "https://example.com/hook", "description": hostile, "headers": {"X-A": "<b>x</b>"}},
    )
    monitor = await api.made(
        "/v1/monitors",
        {
            "name": hostile[:200],
            "note": hostile * 100,
            "tags": ["<i>tag</i>"],
            "networks": ["dev", "ethereum"],
            "addresses": [{"address": "0x" + "11" * 20, "label": hostile[:60]}],
            "rules": [
                {
                    "kind": "event",
                    "signature": "E(uint256 a)",
                    "where": "args.a > 0 and network != '<b>'",
                },
                {"kind": "native", "include_failed": True},
            ],
            "endpoints": [endpoint["id"]],
        },
    )
    await api.made("/v1/keys", {"name": hostile, "scope": "read"})
    await api.made("/v1/projects", {"name": hostile})

    async def unit(tx):
        match = await insert_match(tx, project, 1, monitor_id=monitor["id"])
        document = json.loads(
            await tx.value("select document from matches where id = :id", id=match)
        )
        document["monitor"]["name"] = document["label"] = hostile
        document["contract"] |= {"name": hostile, "symbol": hostile}
        document["event"]["args"] = {hostile: hostile * 100, "deep": [hostile, {"x": hostile}]}
        await tx.run(
            "update matches set document = :d where id = :id", d=json.dumps(document), id=match
        )
        delivery = await insert_delivery(
            tx, project, 1, match_id=match, monitor_id=monitor["id"], endpoint_id=endpoint["id"],
            error=hostile, status="failed", body=json.dumps(document),
        )  # fmt: skip
        await tx.run(
            """insert into attempts (delivery_id, number, started_at, duration_ms, status_code, error, answer)
                values (:id, 7, 1, 2, 500, :text, :text)""",
            id=delivery, text=hostile,
        )  # fmt: skip
        return match, delivery

    match, delivery = await api.context.database.write(unit)
    return (
        f"/monitors/{monitor['id']}",
        f"/monitors/{monitor['id']}/edit",
        f"/monitors/new?like={monitor['id']}",
        f"/endpoints/{endpoint['id']}",
        f"/endpoints/{endpoint['id']}?secret=shown",
        f"/endpoints/{endpoint['id']}/edit",
        f"/matches/{match}",
        f"/deliveries/{delivery}",
        f"/matches?monitor={monitor['id']}",
        f"/deliveries?endpoint={endpoint['id']}&status=failed",
    )


async def test_every_page_fetches_from_this_server_alone(api, admin, filled):
    """All that a page refers to is served here; nothing stands inline; the policy allows no more."""
    fetched = set()
    for path in (*LISTS, *filled):
        answer = await admin.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert answer.status == 200, path
        assert answer.html.inline == [], path
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        fetched |= set(answer.html.fetched)
    statuses = {url: (await api.call("GET", url))[0].status for url in fetched - {"/icon"}}

    assert all(url.startswith("/static/") for url in fetched - {"/icon"})
    assert set(statuses.values()) == {200}


async def test_what_others_wrote_stays_text_on_every_page(admin, filled):
    """Markup in names, labels, errors, answers and arguments is never markup of the page."""
    shown = 0
    for path in (*LISTS, *filled):
        text = (await admin.get(path)).html.text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        assert not re.search(r"<(b|i)>(x|tag)</", text), path
        assert "\"'>" not in text, path
        shown += "&lt;script&gt;" in text
    assert shown >= 10


async def test_what_was_searched_for_stays_text(admin):
    """In the field, in what was found wrong, and in every link."""
    for path in (
        "/monitors?search=",
        "/matches?address=",
        "/deliveries?match=",
        "/matches?cursor=",
        "/?span=",
        "/login?to=",
    ):
        answer = await admin.get(path + '"><script>alert(1)</script>')
        assert "<script>alert" not in answer.html.text
        assert answer.status in (200, 400)


async def test_pages_are_light(admin, filled):
    """With all that it fetches a page has less than 120 KB, gzip'd or not."""
    import gzip

    for path in ("/", *filled):
        html = (await admin.get(path)).html
        packed = len(gzip.compress(html.text.encode()))
        for url in html.fetched:
            async with admin.session.get(admin.url + url) as got:
                packed += len(gzip.compress(await got.read()))
        assert packed < 60_000, path


async def test_the_overview_begins_with_three_steps_where_nothing_is(admin):
    """An empty installation says what to do first."""
    words = (await admin.get("/")).html.words

    assert "Three steps to the first webhook" in words
    assert "Make an endpoint" in words


async def test_what_needs_attention_comes_first_with_a_way_to_its_cure(api, admin):
    """A disabled endpoint and what failed; neither a key in a URL nor a script gets out."""
    project, url = await _project(api), "https://discord.com/api/webhooks/1/token-of-the-owner"
    broken = Endpoint(
        "ep_broken", project, url, SECRET, description="<i>ops</i>", enabled=False,
        state=State.DISABLED, state_reason="it answered 410 Gone",
    )  # fmt: skip
    unwell = replace(
        broken, id="ep_unwell", description="", enabled=True, state=State.FAILING, state_reason=None,
        circuit=Circuit(CircuitState.OPEN, 60_000, 60_000),
    )  # fmt: skip

    async def unit(tx):
        for endpoint in (broken, unwell):
            await insert_endpoint(tx, endpoint)
        await insert_delivery(tx, project, 2, endpoint_id="ep_unwell")
        await insert_delivery(tx, project, 3, status="failed", created_at=api.clock())

    await api.context.database.write(unit)
    answer = await admin.get("/")

    news = re.findall(r'<li class="bad">(.*?)</li>', answer.html.text, re.DOTALL)
    told = [re.sub(r"\s+", " ", re.sub("<[^>]+>", "", each)).strip() for each in news]
    assert told == [
        "&lt;i&gt;ops&lt;/i&gt; is disabled: it answered 410 Gone. Repair it, then enable it again",
        "https://discord.com is failing: connection refused. See what it answers",
        "1 delivery failed for good within a day. Look, then send them again",
    ]
    assert (await admin.get("/icon")).to == "/static/icon-trouble.svg"
    assert "token-of-the-owner" not in answer.html.text


async def test_matches_and_deliveries_are_shown_without_keys(api, open_browser):
    """With auth off everything can be read without a session and without a script."""
    project = await _project(api)

    async def unit(tx):
        await insert_match(tx, project, 1)
        await insert_delivery(tx, project, 1)

    await api.context.database.write(unit)

    assert "hot wallet" in (await open_browser.get("/matches")).html.words
    assert "connection refused" in (await open_browser.get("/deliveries")).html.words


async def test_lists_are_in_pages_and_the_filters_stand_in_the_address(api, admin):
    """The next page is a link that keeps the filters."""
    project = await _project(api)

    async def unit(tx):
        for position in range(1, 61):
            await insert_match(tx, project, position)

    await api.context.database.write(unit)
    seen, path = [], "/matches?kind=erc20"
    while path:
        answer = await admin.get(path)
        seen += re.findall(r'href="/matches/(ma_\d+)"', answer.html.text)
        path = next(
            (link.replace("&amp;", "&") for link in answer.html.links if "cursor=" in link), ""
        )
        assert not path or "kind=erc20" in path

    assert seen == [f"ma_{position:022}" for position in range(60, 0, -1)]


async def test_transactions_and_addresses_lead_to_the_explorer(api, admin):
    """Where the network has one; elsewhere they stand alone."""
    networks = dict(api.context.networks)
    networks["ethereum"] = replace(networks["ethereum"], explorer="https://etherscan.io")
    project = await _project(api)
    object.__setattr__(api.context, "networks", networks)

    async def unit(tx):
        await insert_match(tx, project, 1)
        await insert_match(tx, project, 2, network="dev")

    await api.context.database.write(unit)
    links = (await admin.get("/matches")).html.links

    outside = [link for link in links if link.startswith("https://")]
    assert [link.rsplit("/", 1)[0] for link in outside] == [
        "https://etherscan.io/address",
        "https://etherscan.io/tx",
    ]


async def test_a_wrong_filter_is_explained_and_kept(admin):
    """400, with the field as it was typed."""
    answer = await admin.get("/matches?address=0x12")

    assert answer.status == 400
    assert 'value="0x12"' in answer.html.text
    assert "?address" in answer.html.words


async def test_what_is_not_there_is_a_page_too(admin):
    """404 in the look of the others."""
    answer = await admin.get("/monitors/mo_nothing")

    assert answer.status == 404
    assert "To the overview" in answer.html.words


async def test_a_match_that_no_transaction_carries_has_its_page(api, admin):
    """A withdrawal is in its block alone."""
    project = await _project(api)

    async def unit(tx):
        match = await insert_match(tx, project, 1, kind="withdrawal")
        document = json.loads(await tx.value("select document from matches"))
        document |= {"transaction": None, "event": None, "contract": None, "from_address": None}
        await tx.run("update matches set document = :d", d=json.dumps(document))
        return match

    match = await api.context.database.write(unit)
    shown = [await admin.get(path) for path in ("/", "/matches", f"/matches/{match}")]

    assert [answer.status for answer in shown] == [200, 200, 200]
    assert "found a withdrawal" in shown[2].html.words
    assert "Transaction" not in shown[2].html.words


async def test_matches_are_sorted_by_their_time_either_way(api, admin):
    """By a link in the head of the list, page after page; oldest first they are not live."""
    project = await _project(api)

    async def unit(tx):
        for position in range(1, 31):
            await insert_match(tx, project, position)

    await api.context.database.write(unit)
    newest = await admin.get("/matches")
    oldest = await admin.get("/matches?order=asc")
    following = next(link.replace("&amp;", "&") for link in oldest.html.links if "cursor=" in link)
    last = await admin.get(following)

    def shown(answer):
        return [int(each) for each in re.findall(r'href="/matches/ma_(\d+)"', answer.html.text)]

    assert "/matches?order=asc" in newest.html.links
    assert "/matches" in oldest.html.links
    assert shown(newest)[0] == 30
    assert shown(oldest) == list(range(1, 26))
    assert shown(last) == list(range(26, 31))
    assert not any("cursor=" in link and "Newer" in link for link in last.html.links)
    assert "data-live" in newest.html.text
    assert "data-live" not in oldest.html.text


async def test_lists_are_read_from_either_end(api, admin):
    """By the head of the column that has the order; the filters stay."""
    project = await _project(api)

    async def unit(tx):
        for position in range(1, 31):
            await insert_delivery(tx, project, position, created_at=position)

    await api.context.database.write(unit)
    newest = (await admin.get("/deliveries?type=match.detected")).html
    oldest = (await admin.get("/deliveries?type=match.detected&order=asc")).html
    turned = next(link for link in newest.links if "order=asc" in link).replace("&amp;", "&")
    jobs = (await admin.get("/jobs?order=asc")).html
    wrong = await admin.get("/audit?order=sideways")

    ids = [re.findall(r'href="/deliveries/(de_\w+)"', page.text) for page in (newest, oldest)]
    assert ids[0] == sorted(ids[0], reverse=True)
    assert ids[1] == sorted(ids[1])
    assert len(set(ids[0]) & set(ids[1])) == 20
    assert turned == "/deliveries?type=match.detected&order=asc"
    assert 'aria-sort="ascending"' in oldest.text
    assert 'aria-sort="descending"' in newest.text
    assert 'name="order" value="asc"' in jobs.text
    assert wrong.status == 400


async def test_a_turn_that_has_come_is_told_as_such(api, admin):
    """On each list that has the delivery, and in its story; a later one with its time."""
    endpoint = await api.made("/v1/endpoints", {"url": "https://example.com/hook"})
    now = api.clock()

    async def unit(tx):
        match = await insert_match(tx, api.project, 1)
        common = {"endpoint_id": endpoint["id"], "match_id": match}
        past = await insert_delivery(tx, api.project, 1, due_at=now - 1000, error=None, **common)
        await insert_delivery(tx, api.project, 2, due_at=now + 60_000, error=None, **common)
        return past, match

    past, match = await api.context.database.write(unit)
    lists = ("/deliveries", f"/endpoints/{endpoint['id']}", f"/deliveries?match={match}")
    texts = [(await admin.get(path)).html.text for path in lists]

    assert [text.count("its turn comes") for text in texts] == [1, 1, 1]
    assert [len(re.findall(r"next\s+<time", text)) for text in texts] == [1, 1, 1]
    assert (
        "as soon as its endpoint can be called"
        in (await admin.get(f"/deliveries/{past}")).html.words
    )
    assert (
        "as soon as its endpoint can be called" in (await admin.get(f"/matches/{match}")).html.words
    )
