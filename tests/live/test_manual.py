"""The documentation as it was built: whole, from nowhere else, and let through by its own policy."""

import re
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from playwright.async_api import expect

from tests.dashboard.conftest import Html
from tests.live.test_pages import browser, running

pytestmark = pytest.mark.live

SITE = Path("build/site")
PAGES = sorted(SITE.rglob("*.html"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SITE)))
def test_every_link_leads_to_a_page_and_a_heading(page):
    """Of the site; and what a page fetches is a file of it."""
    text = page.read_text()
    broken = []
    for link in re.findall(r'(?:href|src)="([^"]+)"', text):
        place, heading = urldefrag(unquote(link))
        if re.match(r"(https?|mailto):", place):
            continue
        target = (page.parent / place).resolve() if place else page.resolve()
        target = target / "index.html" if target.is_dir() else target
        if not target.is_file() or (
            heading and target.suffix == ".html" and f'id="{heading}"' not in target.read_text()
        ):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SITE)))
def test_nothing_stands_inline_or_comes_from_elsewhere(page):
    """Neither scripts nor styles; JSON for a script is none."""
    html = Html(
        page.read_text().replace('<script id="__config" type="application/json">', "<noscript>")
    )

    assert [one for one in html.fetched if re.match(r"(https?:)?//", one)] == []
    assert html.inline == []


def test_the_site_is_whole():
    """With the pages that are looked for first."""
    names = {str(page.relative_to(SITE)) for page in PAGES}

    assert names >= {
        "index.html",
        "quickstart.html",
        "rules.html",
        "moving/openzeppelin.html",
        "api.html",
    }
    assert sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file()) < 12e6


async def test_pages_are_shown_and_searched(tmp_path):
    """By the service, under its policy: nothing is refused, nothing is asked of anybody else."""
    async with running(tmp_path) as (service, *_), browser() as page:
        await page.goto(f"{service.url}/help")
        await expect(page.locator("h1")).to_contain_text("Crypitor")
        await page.get_by_role("link", name="quick start").first.click()
        await expect(page.locator("h1")).to_contain_text("Quick start")
        await page.locator(".md-search__input").first.fill("allow_private")
        await expect(page.locator(".md-search-result__item").first).to_be_visible()
        await page.goto(f"{service.url}/help/rules.html#erc20")
        await expect(page.locator("#erc20")).to_be_visible()

        assert page.wrong == []
        assert page.hosts == {service.url.removeprefix("http://")}
