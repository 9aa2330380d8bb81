"""The pages as a browser gets them: with a cookie jar and without scripts."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from yarl import URL

from crypitor.api import SERVER_OPTIONS, build
from tests.api.conftest import (
    Api,
    api,
    context,
    migrated,
    poster,
    pytest_generate_tests,
    stranger,
    woken,
)

__all__ = [
    "api",
    "context",
    "migrated",
    "poster",
    "pytest_generate_tests",
    "stranger",
    "woken",
]


class Html(HTMLParser):
    """What stands in a page: what it fetches, what is inline, its forms with their fields, what its charts draw."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.fetched: list[str] = []
        self.inline: list[str] = []
        self.forms: list[dict[str, object]] = []
        self.links: list[str] = []
        self.charts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag in ("script", "img", "link"):
            self.fetched.append(found.get("src") or found.get("href"))
        self.inline += [
            name for name in found if name.startswith(("on", "hx-on")) or name == "style"
        ]
        if tag == "style" or (tag == "script" and "src" not in found):
            self.inline.append(tag)
        if "data-chart" in found:
            self.charts.append(found["data-chart"])
        if tag == "a":
            self.links.append(found.get("href") or "")
        if tag == "form":
            self.forms.append(
                {
                    "method": found.get("method", "get"),
                    "action": found.get("action", ""),
                    "fields": {},
                }
            )
        if tag == "input" and self.forms and found.get("type") == "hidden":
            self.forms[-1]["fields"][found.get("name")] = found.get("value", "")

    @property
    def words(self) -> str:
        """What is read, without tags."""
        return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", self.text)).strip()

    @property
    def token(self) -> str:
        """What its forms carry."""
        return next(form["fields"]["token"] for form in self.forms if "token" in form["fields"])


@dataclass
class Answer:
    """An answer, with where it leads."""

    status: int
    headers: Mapping[str, str]
    html: Html
    cookies: Mapping[str, object] = field(default_factory=dict)

    @property
    def to(self) -> str:
        """The path that it leads to."""
        return self.headers.get("Location", "")


class Browser:
    """One person's browser. url: of the service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.last: Html | None = None

    def bring(self, cookie: str) -> None:
        """Have this session's cookie and no other."""
        self.session.cookie_jar.clear()
        self.session.cookie_jar.update_cookies({"crypitor": cookie}, URL(self.url))

    async def get(self, path: str, **headers: str) -> Answer:
        """Open a page and follow no redirect."""
        return await self._ask("GET", path, headers=headers)

    async def post(self, path: str, fields: Mapping[str, str] = {}, *, token: str | None = None, headers: Mapping[str, str] = {}, **options) -> Answer:  # fmt: skip
        """Send a form with the token of the page that was opened last, unless told otherwise."""
        if token is None:
            token = self.last.token if self.last else ""
        options.setdefault("data", {"token": token, **fields})
        return await self._ask("POST", path, headers=headers, **options)

    async def log_in(self, key: str, **headers: str) -> Answer:
        """Log in and open the overview."""
        answer = await self._ask("POST", "/login", data={"key": key}, headers=headers)
        if answer.status == 303:
            await self.get("/")
        return answer

    async def _ask(self, method: str, path: str, **options) -> Answer:
        async with self.session.request(
            method, self.url + path, allow_redirects=False, **options
        ) as got:
            html = Html(await got.text() if "event-stream" not in got.content_type else "")
            if html.forms:
                self.last = html
            return Answer(got.status, got.headers, html, got.cookies)

    @property
    def host(self) -> str:
        """As a Host header names it."""
        return urlsplit(self.url).netloc


@pytest.fixture
async def browser(api: Api) -> AsyncIterator[Browser]:
    """A browser that has not logged in."""
    one = Browser(api.url)
    yield one
    await one.session.close()


@pytest.fixture
async def admin(api: Api, browser: Browser) -> Browser:
    """A browser of somebody with an operator's key."""
    await browser.log_in(api.admin)
    return browser


@pytest.fixture
async def open_browser(api: Api) -> AsyncIterator[Browser]:
    """A browser on the application without keys."""
    async with TestServer(build(replace(api.context, auth=False))) as server:
        await server.start_server(**SERVER_OPTIONS)
        one = Browser(str(server.make_url("")).rstrip("/"))
        yield one
        await one.session.close()
