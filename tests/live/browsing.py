"""A browser beside the service, for the tests of the pages."""

import os
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import async_playwright, expect

from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.patience import HANG_SECONDS
from tests.rig import ADMIN_KEY, Service

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
AXE = (Path(__file__).parent / "axe" / "axe-4.14.1.min.js").read_text()
PICTURES = Path("build/pages")
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 780}},
}
HOSTILE = "<img src=x onerror=\"document.title='taken'\">\u202eevil" + "a" * 150

expect.set_options(timeout=HANG_SECONDS * 1000)


@asynccontextmanager
async def browser(**options):
    """A page, with everything that went wrong on it and every host that it asked."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=os.environ["CRYPITOR_TEST_CHROMIUM"], args=FLAGS
        )
        try:
            context = await chromium.new_context(**{**LOOKS["light"], **options})
            context.set_default_timeout(HANG_SECONDS * 1000)
            page = await context.new_page()
            page.wrong, page.hosts = [], set()
            page.on("pageerror", lambda error: page.wrong.append(str(error)))
            page.on("console", lambda said: said.type == "error" and page.wrong.append(said.text))
            page.on("request", lambda request: page.hosts.add(request.url.split("/")[2]))
            yield page
        finally:
            await chromium.close()


@asynccontextmanager
async def running(folder, *, empty=False, **monitor):
    """The service on a chain of twelve blocks, with a monitor and its deliveries, unless empty."""
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
        service.receiver = receiver
        if not empty:
            await service.post(
                "/v1/monitors",
                {
                    "name": "Treasury",
                    "networks": ["dev"],
                    "addresses": [actor.address for actor in chain.actors[:3]],
                    "webhook": {"url": f"{receiver.url}/hook"},
                    **monitor,
                },
            )
            chain.mine(12)
            await service.until_tip("dev", 12)
            await service.until_nothing_is_due()
        try:
            yield service, chain
        finally:
            await service.stop()


async def log_in(page, service, to="/"):
    """Log in as a person does."""
    await page.goto(f"{service.url}{to}")
    await page.get_by_label("API key").fill(ADMIN_KEY)
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "/login" not in url)


async def first(page, service, path):
    """Return the path of the first thing in a list."""
    await page.goto(f"{service.url}{path}")
    return await page.locator(".list .main a").first.get_attribute("href")


async def serious(page):
    """Return what axe finds that keeps somebody from using the page."""
    await page.evaluate(AXE)
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        (each["id"], [node["target"] for node in each["nodes"]][:3])
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]
