"""When a browser paints the pages first, by its own marks, beside bare text of the same server."""

import statistics
from collections.abc import Sequence

from bench.figures import figure, ratio

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
BARE = "/readyz"
PAINTED = """new Promise((done) => new PerformanceObserver((seen) => {
    const [first] = seen.getEntriesByName('first-contentful-paint');
    if (first) done(first.startTime);
}).observe({type: 'paint', buffered: true}))"""

IDLE = "new Promise((done) => requestIdleCallback(done, {timeout: 2000}))"


async def painted(
    chromium: str, url: str, key: str, pages: Sequence[str], rounds: int
) -> dict[str, dict]:
    """Open every page so often, one after the other; return milliseconds to its first paint.

    chromium: the program. url: of the service. key: to log in with. The first round fills the
    browser's cache and does not count.
    """
    from playwright.async_api import async_playwright  # noqa: PLC0415 - a tool of the live tests

    taken: dict[str, list[float]] = {path: [] for path in (BARE, *pages)}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = await browser.new_page(viewport={"width": 1280, "height": 860})
        await page.goto(f"{url}/login")
        await page.get_by_label("API key").fill(key)
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda to: "/login" not in to)
        for number in range(rounds + 1):
            for path, ms in taken.items():
                await page.goto(url + path)
                at = await page.evaluate(PAINTED)
                await page.evaluate(IDLE)  # nobody presses before
                if number:
                    ms.append(at)
        await browser.close()
    return {
        path: {"first paint": figure(ms, "ms"), "of bare text": ratio(ms, taken[BARE])}
        for path, ms in taken.items()
    } | {"all pages": _of_all([ms for path, ms in taken.items() if path != BARE])}


def _of_all(taken: Sequence[Sequence[float]]) -> dict:
    return {
        "median of medians, ms": round(statistics.median(map(statistics.median, taken)), 1),
        "highest of the lowest, ms": round(max(map(min, taken)), 1),
        "highest median, ms": round(max(map(statistics.median, taken)), 1),
    }
