"""The first page and the documentation page."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from aiohttp.test_utils import TestServer

from crypitor.api import SERVER_OPTIONS, build
from crypitor.api.matches.examples import MATCH
from crypitor.api.networks.examples import NETWORK
from crypitor.dashboard.page import NOTHING, overview
from crypitor.database.endpoints import insert_endpoint
from crypitor.database.keys import ensure_project
from crypitor.webhook.circuit import Circuit, CircuitState
from crypitor.webhook.delivery import Endpoint, State
from tests.api.rows import insert_delivery, insert_match
from tests.webhook.receivers import SECRET


class References(HTMLParser):
    """Collects what a page makes the browser fetch, and scripts that stand in the page itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag in ("script", "img", "link"):
            self.fetched.append(found.get("src") or found.get("href"))
        self.inline += [name for name in found if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in found):
            self.inline.append(tag)


@pytest.fixture
async def open_api(api):
    """Return the address of the application without keys, with a match and a delivery in it."""

    async def unit(tx):
        project = await ensure_project(tx, 1, api.context.random_bytes)
        await insert_match(tx, project, 1, network="<b>net</b>")
        await insert_delivery(tx, project, 1)

    await api.context.database.write(unit)
    async with TestServer(build(replace(api.context, auth=False))) as server:
        await server.start_server(**SERVER_OPTIONS)
        yield server.make_url("")


async def _project(api) -> str:
    return await api.context.database.read(lambda tx: tx.value("select min(id) from projects"))


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", text)).strip()


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_page_fetches_from_this_server_alone(api, path):
    """All a page refers to is served here; nothing stands inline; the policy allows no more."""
    answer, text = await api.call("GET", path)

    page = References(text)
    statuses = [(await api.call("GET", url))[0].status for url in page.fetched]
    policy = answer.headers["Content-Security-Policy"]
    assert page.fetched
    assert all(url.startswith("/") for url in page.fetched)
    assert statuses == [200] * len(page.fetched)
    assert page.inline == []
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


async def test_page_shows_everything_without_keys(open_api, api):
    """With auth off the page has networks, matches and deliveries, without any script."""
    async with api.session.get(open_api) as answer:
        text = await answer.text()

    words = _words(text)
    assert "Ethereum" in words
    assert "hot wallet" in words
    assert "connection refused" in words


async def test_what_others_wrote_is_escaped(open_api, api):
    """Text from the database cannot become part of the page."""
    async with api.session.get(open_api) as answer:
        text = await answer.text()

    assert "&lt;b&gt;net&lt;/b&gt;" in text
    assert "<b>net</b>" not in text


async def test_endpoints_in_trouble_are_shown_with_what_they_wait_for(api, open_api):
    """The worst of many; the others are counted. Neither the key in a URL nor a script gets out."""
    project, url = await _project(api), "https://discord.com/api/webhooks/1/token-of-the-owner"
    broken = Endpoint(
        "ep_broken", project, url, SECRET, description="<i>ops</i>", enabled=False,
        state=State.DISABLED, state_reason="it answered 410 Gone",
    )  # fmt: skip
    unwell = replace(
        broken, id="ep_unwell", description="", enabled=True, state=State.FAILING,
        state_reason="connection refused", circuit=Circuit(CircuitState.OPEN, 1, 90_000, 1),
    )  # fmt: skip
    well = [Endpoint(f"ep_well_{n}", project, url, SECRET) for n in range(30)]

    async def unit(tx):
        for endpoint in (broken, unwell, *well):
            await insert_endpoint(tx, endpoint)
        for number in range(2, 5):
            await insert_delivery(tx, project, number, endpoint_id="ep_unwell")
        await insert_delivery(tx, project, 5, endpoint_id="ep_broken")

    await api.context.database.write(unit)
    async with api.session.get(open_api) as answer:
        text = await answer.text()

    [shown] = re.findall(r'<section aria-labelledby="endpoints">.*?</section>', text, re.DOTALL)
    counts, _, *rows = (_words(row) for row in re.split("<tr>", shown))
    assert counts == (
        "Endpoints 30 healthy 1 failing 1 disabled Of 32 these 10, those in trouble first:"
    )
    assert len(rows) == 10
    assert rows[0] == (
        "&lt;i&gt;ops&lt;/i&gt; https://discord.com disabled its owner since 2026-09-21 14:13 1"
        " it answered 410 Gone"
    )
    assert rows[1].startswith(
        "ep_unwell https://discord.com failing circuit until 1970-01-01 00:01"
    )
    assert rows[1].endswith(" 3 connection refused")
    assert rows[2] == f"ep_well_9 https://discord.com healthy {NOTHING} 0 {NOTHING}"
    assert "token-of-the-owner" not in text


async def test_page_shows_nothing_without_the_key(api, open_api):
    """With auth on the page is the same for everybody and asks for a key."""
    async with api.session.get(api.url) as answer:
        text = await answer.text()

    assert answer.status == 200
    assert 'id="door"' in text
    assert "hot wallet" not in text


async def test_overview_needs_the_key(api, open_api):
    """The page's content is 401 without a key, and whole with one."""
    async with api.session.get(f"{api.url}/overview") as refused:
        pass
    answer, text = await api.call("GET", "/overview")

    assert (refused.status, answer.status) == (401, 200)
    assert "hot wallet" in text


async def test_only_the_two_files_of_swagger_ui_are_served(api):
    """Of the installed package nothing but what the page needs can be fetched."""
    served = [
        (await api.call("GET", f"/docs/{name}"))[0].status
        for name in (
            "swagger-ui.css",
            "swagger-editor.js",
            "..%2fcore.py",
            "swagger-ui-bundle.js.map",
        )
    ]

    assert served == [200, 404, 404, 404]


def test_transactions_and_addresses_lead_to_the_explorer():
    """Where the network has one; elsewhere they stand alone."""
    networks = [
        {**NETWORK, "name": name, "explorer": explorer}
        for name, explorer in (("ethereum", "https://etherscan.io"), ("dev", None))
    ]
    page = overview(networks, {}, [], [MATCH, {**MATCH, "network": "dev"}], [])

    links = re.findall(r'href="(https://[^"]+)"', page)
    assert links == [
        f"https://etherscan.io/address/{MATCH['address']}",
        f"https://etherscan.io/tx/{MATCH['transaction']['hash']}",
    ]
