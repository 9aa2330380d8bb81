"""The pages in a real browser: they show what there is, and ask nobody else for anything."""

import os
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import async_playwright

from crypitor.development.listen import Behaviour, Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.rig import ADMIN_KEY, Service

pytestmark = pytest.mark.live

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@asynccontextmanager
async def browser():
    """A page, with everything that went wrong on it and every host that it asked."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=os.environ["CRYPITOR_TEST_CHROMIUM"], args=FLAGS
        )
        try:
            page = await chromium.new_page()
            page.wrong, page.hosts = [], set()
            page.on("pageerror", lambda error: page.wrong.append(str(error)))
            page.on("console", lambda said: said.type == "error" and page.wrong.append(said.text))
            page.on("request", lambda request: page.hosts.add(request.url.split("/")[2]))
            yield page
        finally:
            await chromium.close()


@asynccontextmanager
async def running(folder):
    """The service on a chain of twelve blocks, with a monitor and its deliveries."""
    chain = SimulatedChain(3)
    async with SimulatorServer(chain) as node, Receiver(list) as receiver:
        service = Service(
            folder,
            {
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
            },
        )
        await service.start()
        await service.post(
            "/v1/monitors",
            {
                "name": "Treasury",
                "networks": ["dev"],
                "addresses": [actor.address for actor in chain.actors[:3]],
                "webhook": {"url": f"{receiver.url}/hook"},
            },
        )
        chain.mine(12)
        await service.until_tip("dev", 12)
        await service.until_nothing_is_due()
        try:
            yield service, chain
        finally:
            await service.stop()


async def test_the_page_shows_networks_matches_and_deliveries(tmp_path):
    """
    With the key the page shows the network's tip, matches and deliveries; without, none of them.
    """
    async with running(tmp_path) as (service, _), browser() as page:
        await page.goto(service.url)
        before = await page.inner_text("body")
        await page.fill("input[type=password]", ADMIN_KEY)
        await page.keyboard.press("Enter")
        await page.get_by_text("Treasury").first.wait_for()
        shown = await page.inner_text("body")

    assert "Treasury" not in before
    assert "dev" in shown
    assert "12" in shown
    assert "delivered" in shown
    assert page.wrong == []
    assert page.hosts == {service.url.removeprefix("http://")}


async def test_the_page_shows_endpoints_that_are_in_trouble(tmp_path):
    """
    One that is gone stands before the healthy one, with its error and what is kept for its owner;
    on a narrow screen nothing is wider than the screen.
    """
    async with (
        running(tmp_path) as (service, chain),
        Receiver(list, behaviour=Behaviour(status=410)) as gone,
        browser() as page,
    ):
        await service.post(
            "/v1/monitors",
            {
                "name": "Closed shop",
                "networks": ["dev"],
                "addresses": [actor.address for actor in chain.actors[:3]],
                "webhook": {"url": f"{gone.url}/hook"},
            },
        )
        chain.mine(12)
        await service.until_tip("dev", 24)
        await page.goto(service.url)
        await page.fill("input[type=password]", ADMIN_KEY)
        await page.keyboard.press("Enter")
        rows = page.locator("section[aria-labelledby=endpoints] tbody tr")
        await rows.first.get_by_text("it answered 410 Gone").wait_for()
        states = await rows.locator(".pill").all_inner_texts()
        worst = await rows.first.inner_text()
        await page.set_viewport_size({"width": 360, "height": 800})
        width = await page.evaluate("document.documentElement.scrollWidth")

    assert states == ["disabled", "healthy"]
    assert "its owner since" in worst
    assert width <= 360
    assert page.wrong == []
    assert page.hosts == {service.url.removeprefix("http://")}


async def test_the_docs_show_every_operation(tmp_path):
    """
    Swagger UI renders the OpenAPI document, from this host alone.
    """
    async with running(tmp_path) as (service, _), browser() as page:
        await page.goto(f"{service.url}/docs")
        await page.wait_for_selector(".opblock-summary-path")
        paths = await page.locator(".opblock-summary-path").all_inner_texts()

    assert any("/v1/monitors" in path.replace("\u200b", "") for path in paths)
    assert page.wrong == []
    assert page.hosts == {service.url.removeprefix("http://")}
