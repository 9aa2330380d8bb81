"""The pages in a real browser: they work, look right, and ask nobody else for anything.

Pictures of every page are left in build/pages.
"""

import asyncio
import json
import re

import pytest
from playwright.async_api import expect

from crypitor.development.listen import Behaviour, Receiver
from tests.live.browsing import HOSTILE, LOOKS, PICTURES, browser, first, log_in, running, serious
from tests.rig import ADMIN_KEY

pytestmark = pytest.mark.live

MOST_PIXELS = 6_000

# Milliseconds from the click on: to the first byte, to all of the page, to what was painted first.
MARKS = """(() => {
    const [page] = performance.getEntriesByType('navigation');
    const paint = performance.getEntriesByName('first-contentful-paint')[0];
    return {answered: page.responseStart, read: page.responseEnd, ready: page.domContentLoadedEventEnd,
            ...(paint ? {painted: paint.startTime} : {})};
})()"""


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_is_whole_in_every_look(tmp_path, look):
    """
    In light, in dark and on a phone: no error, no request elsewhere, nothing serious for axe,
    nothing wider than the screen or taller than anybody scrolls, and hostile names are text.
    """
    PICTURES.mkdir(parents=True, exist_ok=True)
    found, timings = {}, {}
    hostile = {"name": HOSTILE[:200], "tags": ["<b>tag</b>"], "note": HOSTILE * 50}
    async with running(tmp_path, **hostile) as (service, _), browser(**LOOKS[look]) as page:
        await page.goto(service.url)
        found["/login"] = await serious(page)
        await log_in(page, service)
        singles = [
            await first(page, service, path)
            for path in ("/monitors", "/matches", "/deliveries", "/endpoints")
        ]
        for path in (
            "/",
            "/monitors",
            "/matches",
            "/deliveries",
            "/endpoints",
            "/networks",
            "/networks/dev",
            "/networks/dev/resume?from_block=5",
            "/jobs",
            "/keys",
            "/projects",
            "/audit",
            "/settings",
            "/about",
            "/monitors/new",
            "/endpoints/new",
            "/docs",
            "/docs/networks",
            # The same look as the one before, and so large that axe takes its time.
            *(["/docs/types"] if look == "light" else []),
            *singles,
            f"{singles[0]}/edit",
            f"{singles[3]}?secret=shown",
            f"/replay?endpoint={singles[3].split('/')[-1]}",
            "/nothing-here",
        ):
            await page.goto(service.url + path)
            await page.locator("h1").first.wait_for()
            wide, tall, shown = await page.evaluate(
                "(({scrollWidth, scrollHeight}) => [scrollWidth, scrollHeight, innerWidth])(document.documentElement)"
            )
            known = re.sub(r"\b(\w\w)_[0-9A-Za-z_-]{20,}", r"\1_one", path)
            name = re.sub(r"\W+", "_", known).strip("_") or "overview"
            marks = await page.evaluate(MARKS)
            timings[known] = {name: round(ms) for name, ms in marks.items()}
            await page.screenshot(path=PICTURES / f"{name}-{look}.png")
            found[path] = [*await serious(page), *([("wide", wide)] if wide > shown else [])]
            if tall > MOST_PIXELS and not path.startswith("/docs"):
                found[path].append(("tall", tall))
            assert await page.title() != "taken", path

    (PICTURES / f"timings-{look}.json").write_text(json.dumps(timings, indent=1))
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
    # The browser tells of each page that it was answered with 404.
    assert [wrong for wrong in page.wrong if "404 (Not Found)" not in wrong] == []
    assert len(page.wrong) <= 1
    assert page.hosts == {service.url.removeprefix("http://")}


async def test_a_new_user_comes_to_the_first_webhook(tmp_path):
    """
    From an empty installation, by what the pages say: an endpoint, a monitor, then a match that
    appears by itself and leads to its delivery.
    """
    async with running(tmp_path, empty=True) as (service, chain), browser() as page:
        chain.mine(1)
        await service.until_tip("dev", 1)
        await log_in(page, service)
        await page.get_by_role("link", name="Make an endpoint").click()
        await page.get_by_label("URL", exact=True).fill(f"{service.receiver.url}/hook")
        await page.get_by_label("Name").fill("mine")
        await page.get_by_role("button", name="Make the endpoint").click()
        await expect(page.get_by_text("whsec_").first).to_be_visible()
        await page.get_by_role("link", name="Overview").click()
        await page.get_by_role("link", name="Make a monitor").click()
        await page.get_by_label("Name").fill("First")
        await page.get_by_label("Addresses, one a line").fill(
            "\n".join(actor.address for actor in chain.actors)
        )
        condition = page.get_by_label("Condition", exact=True).first
        await condition.fill("amont > 0")
        await expect(page.get_by_text("did you mean amount?").first).to_be_visible()
        await condition.fill("amount > 0")
        await expect(page.get_by_text("This can be asked").first).to_be_visible()
        await page.get_by_label("mine").check()
        await page.get_by_role("button", name="Make the monitor").click()
        await expect(page.get_by_role("status")).to_contain_text("in force")
        main = page.get_by_role("navigation", name="Main")
        await main.get_by_role("link", name="Matches", exact=True).click()
        await expect(page.get_by_role("button", name="Live")).to_be_visible()
        await expect(page.locator(".live:not(.lost)")).to_be_visible()
        chain.mine(4)
        row = page.locator("#list tbody tr").first
        await expect(row).to_contain_text("First")
        await row.get_by_role("link").first.click()
        await expect(page.get_by_text("Who was told")).to_be_visible()
        await service.until_nothing_is_due()
        await page.reload()
        await expect(page.locator("article .pill.delivered").first).to_be_visible()

    assert service.receiver.received
    assert page.wrong == []


async def test_a_new_user_needs_no_receiver_of_their_own(tmp_path):
    """
    The guide's test receiver is pinged, takes the first webhook, and says that it was verified;
    nothing outside is called.
    """
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with running(tmp_path, empty=True) as (service, chain), browser() as page:
        chain.mine(1)
        await service.until_tip("dev", 1)
        await log_in(page, service)
        await page.get_by_role("button", name="Use the test receiver").click()
        await page.get_by_role("button", name="Send a ping").click()
        await expect(page.get_by_text("The ping was taken: 200")).to_be_visible()
        await page.get_by_role("link", name="Overview").click()
        await page.screenshot(path=PICTURES / "guide-light.png")
        await page.get_by_role("link", name="Make a monitor").click()
        await expect(page.get_by_label("Test receiver")).to_be_checked()
        await page.get_by_label("Addresses, one a line").fill(
            "\n".join(actor.address for actor in chain.actors)
        )
        await page.get_by_role("button", name="Make the monitor").click()
        await page.get_by_role("link", name="Overview").click()
        await expect(page.get_by_text("goes out with the first match")).to_be_visible()
        chain.mine(4)
        await page.locator("#latest .main a").first.click()
        await expect(page.get_by_text("to Test receiver").first).to_be_visible()
        await service.until_nothing_is_due()
        await page.reload()
        await page.get_by_text("Request and answer").first.click()
        await expect(page.locator(".attempts pre").last).to_contain_text('"signature":"verified"')
        await page.screenshot(path=PICTURES / "first-webhook-light.png", full_page=True)

    assert service.receiver.received == []
    assert page.wrong == []


async def test_the_live_list_stops_while_it_is_paused(tmp_path):
    """
    What matches meanwhile comes once it goes on.
    """
    async with running(tmp_path) as (service, chain), browser() as page:
        await log_in(page, service, "/matches")
        before = await page.locator("#list tbody tr").first.inner_text()
        await page.get_by_role("button", name="Live").click()
        await expect(page.get_by_role("button", name="Paused")).to_be_visible()
        newest = await page.locator(".list .main a").first.get_attribute("href")
        chain.mine(3)
        await service.until_tip("dev", 15)
        await service.until_nothing_is_due()
        still = await page.locator(".list .main a").first.get_attribute("href")
        await page.get_by_role("button", name="Paused").click()
        await expect(page.locator(".live:not(.lost)")).to_contain_text("Live")
        chain.mine(3)
        await expect(page.locator(".list .main a").first).not_to_have_attribute("href", newest)

    assert before
    assert still == newest
    assert page.wrong == []


async def test_the_keyboard_is_enough(tmp_path):
    """
    `g m` leads to the monitors, `/` to the search, `j` to the first row, Enter opens it, `?` helps.
    """
    async with running(tmp_path) as (service, _), browser() as page:
        await log_in(page, service)
        await page.keyboard.press("g")
        await page.keyboard.press("m")
        await page.wait_for_url("**/monitors")
        await page.keyboard.press("/")
        await page.keyboard.type("trea")
        await page.wait_for_url("**search=trea**")
        await page.keyboard.press("Escape")
        await page.locator("h1").click()
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.locator("h1").click()
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/monitors/mo_*")
        await expect(page.locator("h1")).to_contain_text("Treasury")

    assert page.wrong == []


@pytest.mark.parametrize("early", ["typed", "chosen"])
async def test_what_was_asked_before_the_page_could_answer_is_answered(tmp_path, early):
    """
    The script that fetches comes after the first paint, and may be slow to come.
    """
    held = asyncio.Event()

    async def late(route):
        await held.wait()
        await route.continue_()

    async with running(tmp_path) as (service, _), browser() as page:
        await log_in(page, service)
        await page.route("**/static/htmx*", late)
        await page.goto(f"{service.url}/monitors", wait_until="commit")
        if early == "typed":
            await page.get_by_role("searchbox").first.press_sequentially("trea")
        else:
            await page.locator("select[name=enabled]").select_option("false")
        held.set()
        await page.wait_for_url("**search=trea**" if early == "typed" else "**enabled=false**")
        await expect(page.locator("#list tbody tr")).to_have_count(1 if early == "typed" else 0)

    assert page.wrong == []


async def test_times_are_in_the_readers_zone(tmp_path):
    """
    The exact time stands in the title, with the zone's name.
    """
    async with (
        running(tmp_path) as (service, _),
        browser(timezone_id="Asia/Kolkata", locale="en-GB") as page,
    ):
        await log_in(page, service, "/matches")
        time = page.locator("#list time").first
        await expect(time).to_have_attribute("title", re.compile(r"\(Asia/(Kolkata|Calcutta)\)"))
        shown = await time.evaluate(
            "t => t.title.includes(new Date(t.dateTime).toLocaleTimeString('en-GB', {timeZone: 'Asia/Kolkata'}))"
        )

    assert shown


async def test_everything_can_be_read_and_done_without_scripts(tmp_path):
    """
    Pages, filters, the next page of a list, a rule more in the form, and making a monitor.
    """
    async with running(tmp_path) as (service, chain), browser(java_script_enabled=False) as page:
        await log_in(page, service, "/matches")
        await page.get_by_label("Kind").select_option("erc20")
        await page.get_by_role("button", name="Filter").click()
        kinds = await page.locator("#list td.kind").all_inner_texts()
        await page.goto(f"{service.url}/monitors/new")
        await page.get_by_role("button", name="Add a rule").click()
        rules = await page.locator("fieldset.rule").count()
        await page.get_by_label("Name").fill("No scripts")
        await page.get_by_label("Addresses, one a line").fill(chain.actors[0].address)
        await page.get_by_role("button", name="Make the monitor").click()
        made = await page.locator("h1").inner_text()

    assert kinds
    assert all(kind.startswith("erc20") for kind in kinds)
    assert rules == 3
    assert made.startswith("No scripts")


async def test_an_endpoint_in_trouble_is_the_first_thing_that_is_seen(tmp_path):
    """
    One that is gone is told on the overview, with its error; its page enables it again.
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
                "webhook": {"url": f"{gone.url}/hook", "description": "closed shop"},
            },
        )
        await log_in(page, service)
        chain.mine(12)
        await service.until_tip("dev", 24)
        await expect(page.locator(".news")).to_contain_text(
            "closed shop is disabled: it answered 410 Gone"
        )
        await page.get_by_role("link", name="Repair it").click()
        gone.behaviour = Behaviour()
        await page.get_by_role("button", name="Enable again").click()
        await expect(page.get_by_role("status")).to_contain_text("It is enabled")
        await expect(page.locator("h1 .pill")).not_to_have_text("disabled")

    assert page.wrong == []
    assert page.hosts == {service.url.removeprefix("http://")}


async def test_a_monitor_is_tested_on_a_transaction_and_explained(tmp_path):
    """
    Each rule says why it matches, or why not.
    """
    async with running(tmp_path) as (service, _), browser() as page:
        await log_in(page, service)
        match = await service.get("/v1/matches?limit=1")
        transaction = match["data"][0]["transaction"]["hash"]
        await page.goto(service.url + await first(page, service, "/monitors"))
        await page.get_by_label("Transaction").fill(transaction)
        await page.get_by_role("button", name="Test", exact=True).click()
        await expect(page.locator("#tried")).to_contain_text("It would match")
        await expect(page.locator("#tried-now details").first).to_be_visible()

    assert page.wrong == []


async def test_the_docs_show_every_operation(tmp_path):
    """
    Found by its words, read, and tried with a key, from this host alone.
    """
    async with running(tmp_path) as (service, _), browser() as page:
        await page.goto(f"{service.url}/docs")
        await page.keyboard.press("/")
        await page.keyboard.type("monitors newest")
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="/v1/monitors", exact=True).first.click()
        tried = page.locator("[data-path='/v1/monitors'][data-method=GET]")
        await tried.locator("summary").click()
        await tried.get_by_label("API key").fill(ADMIN_KEY)
        await tried.get_by_label("limit").fill("1")
        await tried.get_by_role("button", name="Send").click()
        await expect(tried.get_by_role("status")).to_contain_text("200 OK")
        await expect(tried.locator(".answer")).to_contain_text("Treasury")

    assert page.wrong == []
    assert page.hosts == {service.url.removeprefix("http://")}
