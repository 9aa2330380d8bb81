"""Details of the pages in a real browser: two people at once, charts, sorting, the tab's picture."""

import math

import pytest
from playwright.async_api import expect

from crypitor.development.listen import Behaviour, Receiver
from tests.live.browsing import browser, first, log_in, running

pytestmark = pytest.mark.live


async def test_the_second_of_two_people_is_told(tmp_path):
    """
    Both open the same monitor; who saves later sees what the other one saved, and loses nothing.
    """
    async with running(tmp_path) as (service, _), browser() as page:
        await log_in(page, service)
        path = await first(page, service, "/monitors")
        other = await page.context.new_page()
        for each in (page, other):
            await each.goto(f"{service.url}{path}/edit")
        await page.get_by_label("Name").fill("Hers")
        await page.get_by_role("button", name="Save").last.click()
        await expect(page.locator("h1")).to_contain_text("Hers")
        await other.get_by_label("Name").fill("His")
        await other.get_by_role("button", name="Save").last.click()
        await expect(other.get_by_role("alert")).to_contain_text("somebody changed this")
        await expect(other.get_by_label("Name")).to_have_value("His")
        await expect(other.locator("details[open] pre")).to_contain_text("Hers")
        await other.get_by_role("button", name="Save").last.click()
        await expect(other.locator("h1")).to_contain_text("His")

    assert page.wrong == []


# When the page was painted first, in milliseconds, and what it had asked for before that.
PAINTED = """new Promise((done) => new PerformanceObserver((seen) => {
    const [first] = seen.getEntriesByName('first-contentful-paint');
    if (!first) return;
    const early = performance.getEntriesByType('resource').filter((one) => one.startTime < first.startTime);
    done([first.startTime, early.map((one) => new URL(one.name).pathname)]);
}).observe({type: 'paint', buffered: true}))"""
BARE = "/readyz"
SLOWER = 5


async def test_the_first_paint_waits_for_nothing_that_is_not_seen(tmp_path):
    """
    For the style, the script that is needed at once, and the picture of the brand; of nine loads
    the quickest is near the one of bare text from the same server.
    """
    async with running(tmp_path) as (service, _), browser() as page:
        await log_in(page, service)
        paths = [BARE, "/", "/monitors", "/matches", "/networks/dev"]
        paths.append(await first(page, service, "/monitors"))
        quickest, early = dict.fromkeys(paths, math.inf), set()
        for path in paths * 9:
            await page.goto(service.url + path)
            at, asked = await page.evaluate(PAINTED)
            await page.evaluate("new Promise((done) => requestIdleCallback(done, {timeout: 2000}))")
            quickest[path] = min(quickest[path], at)
            early |= set(asked)
        await page.goto(service.url)
        await expect(page.locator("figure.alive").first).to_be_visible()

    assert early <= {"/static/page.css", "/static/page.js", "/static/icon.svg", "/icon"}
    assert max(quickest.values()) < SLOWER * max(quickest[BARE], 30), quickest
    assert page.wrong == []


async def test_charts_are_drawn_and_told(tmp_path):
    """
    Of what was counted, in the reader's zone, under the policy; without scripts bars are there.
    """
    async with running(tmp_path) as (service, _), browser(timezone_id="Asia/Kolkata") as page:
        await log_in(page, service)
        figure = page.locator("figure.alive").first
        while not (await service.get("/v1/stats"))["total"]["attempts"]["taken"]:
            await page.reload()
        await page.reload()
        canvas = figure.locator("canvas")
        await expect(canvas).to_be_visible()
        box = await canvas.bounding_box()
        await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await expect(figure.locator("[data-said]")).to_contain_text("detected")
        known = await figure.evaluate(
            """figure => JSON.parse(figure.dataset.chart).at.map((at) => new Date(at * 1000)
                .toLocaleString(undefined, {hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Kolkata'}))"""
        )
        shown = await figure.locator("[data-said]").inner_text()
        timings = await page.evaluate(
            "performance.getEntriesByType('paint').map((each) => [each.name, each.startTime])"
        )

    assert shown.split(": ")[0] in known
    assert "first-contentful-paint" in dict(timings)
    assert page.wrong == []


async def test_a_match_prints_as_evidence(tmp_path):
    """
    On paper stands all that was sent and answered, addresses and hashes are whole, and what can
    only be pressed is left out.
    """
    async with running(tmp_path) as (service, _), browser() as page:
        await log_in(page, service)
        await page.goto(service.url + await first(page, service, "/matches"))
        await page.evaluate("window.print = () => { window.printed = true; }")
        await page.get_by_role("button", name="Print").click()
        await page.emulate_media(media="print")
        shown = await page.evaluate(
            """[window.printed, [...document.querySelectorAll('details')].every((one) => one.open),
                ...['.side', 'main button', '.copy'].map((query) => [...document.querySelectorAll(query)]
                    .every((one) => getComputedStyle(one).display === 'none')),
                [...document.querySelectorAll('.address bdi')].every((one) =>
                    getComputedStyle(one, '::after').content.includes(one.title))]"""
        )
        paper = await page.pdf()

    assert shown == [True] * 6
    assert paper.startswith(b"%PDF")
    assert page.wrong == []


async def test_lists_that_are_whole_are_sorted_by_their_heads(tmp_path):
    """
    Names by their letters, either way, with the keyboard.
    """
    async with running(tmp_path) as (service, _), browser() as page:
        for name in ("beta", "Alpha", "gamma"):
            await service.post(
                "/v1/monitors", {"name": name, "networks": ["dev"], "addresses": ["0x" + "11" * 20]}
            )
        await log_in(page, service, "/monitors")
        head = page.get_by_role("button", name="Monitor", exact=True)
        await head.focus()
        await page.keyboard.press("Enter")
        up = await page.locator(".list .main a").all_inner_texts()
        await page.keyboard.press("Enter")
        down = await page.locator(".list .main a").all_inner_texts()

    assert up == ["Alpha", "beta", "gamma", "Treasury"]
    assert down == up[::-1]


async def test_the_tab_tells_of_trouble(tmp_path):
    """
    Its picture has a red dot while an endpoint is disabled, whichever page is open.
    """
    async with (
        running(tmp_path) as (service, chain),
        Receiver(list, behaviour=Behaviour(status=410)) as gone,
        browser() as page,
    ):
        await log_in(page, service, "/monitors")
        before = await page.evaluate("fetch('/icon').then((got) => got.url)")
        await service.post(
            "/v1/monitors",
            {
                "networks": ["dev"],
                "addresses": [actor.address for actor in chain.actors[:3]],
                "webhook": {"url": f"{gone.url}/hook"},
            },
        )
        chain.mine(6)
        await service.until_tip("dev", 18)
        await page.goto(f"{service.url}/endpoints")
        await expect(page.locator(".pill.disabled")).to_be_visible()
        after = await page.evaluate("fetch('/icon').then((got) => got.url)")

    assert before.endswith("/icon.svg")
    assert after.endswith("/icon-trouble.svg")


async def test_a_file_of_addresses_is_taken_and_told(tmp_path):
    """
    Thousands of lines, with how much of them was read; what cannot be taken is told on the page.
    """
    addresses = tmp_path / "addresses.csv"
    lines = [f"0x{number:040x}" for number in range(1, 30_001)]
    addresses.write_text("\n".join(lines))
    async with running(tmp_path) as (service, _), browser() as page:
        await log_in(page, service)
        await page.goto(service.url + await first(page, service, "/monitors"))
        await page.evaluate(
            """document.addEventListener('htmx:xhr:progress', ({ detail }) => {
                window.most = Math.max(window.most ?? 0, detail.total); })"""
        )
        await page.locator("input[type=file]").set_input_files(addresses)
        await page.get_by_role("button", name="Do it").click()
        await expect(page.get_by_role("status")).to_contain_text("30,000 added")
        sent = await page.evaluate("window.most")
        await page.get_by_label("Add or remove, one a line").fill("0x12")
        await page.get_by_role("button", name="Do it").click()
        await expect(page.get_by_role("alert")).to_contain_text(
            "an address is 0x and 40 hex digits"
        )
        await expect(page.get_by_role("button", name="Do it")).to_be_enabled()

    assert sent >= addresses.stat().st_size
    # The browser tells of what was refused.
    assert [wrong for wrong in page.wrong if "422" not in wrong] == []
