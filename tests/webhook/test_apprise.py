"""Messages through Apprise itself, to a service of its own on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from crypitor.errors import Invalid
from crypitor.monitor.models import Phase
from crypitor.webhook.apprise import check_service
from crypitor.webhook.formats import Form, check_form
from tests.webhook.matched import HASH, NOW, body_of
from tests.webhook.posting import endpoint

FORM = Form("apprise")


@asynccontextmanager
async def service(status: int) -> AsyncIterator[tuple[str, list[dict]]]:
    """What Apprise's JSON service posts to: its URL, and what came."""
    came: list[dict] = []

    async def take(request: web.Request) -> web.Response:
        came.append(await request.json())
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/{any:.*}", take)
    async with TestServer(app) as server:
        yield str(server.make_url("/t0ken-of-mine")), came


def told_by(url, **more):
    """An endpoint that is told by Apprise's own JSON service at a receiver."""
    headers = {"X-Apprise-URL": url.replace("http://", "json://")}
    return endpoint("apprise://phones", format="apprise", headers=headers, **more)


async def test_a_service_gets_title_and_text(poster):
    """What happened, with its link, as Apprise gives it to each of its services."""
    async with service(200) as (url, came):
        outcomes = [
            await poster.post(told_by(url), f"de_{phase}", body_of(FORM, phase).encode(), NOW)
            for phase in (Phase.DETECTED, Phase.REVERTED)
        ]  # fmt: skip

    first, second = came
    assert [outcome.succeeded for outcome in outcomes] == [True, True]
    assert first["title"] == "Treasury: received 0.1231 USDC (detected)"
    assert f"https://etherscan.io/tx/{HASH}" in first["message"]
    assert (first["type"], second["type"]) == ("warning", "info")


async def test_what_a_service_does_not_take_is_a_failure(poster):
    """It is tried again like any other; the sentence holds no key."""
    body = body_of(FORM).encode()
    async with service(500) as (url, _):
        refused = await poster.post(told_by(url), "de_1", body, NOW)
    unknown = await poster.post(told_by("nothing://t0ken-of-mine"), "de_1", body, NOW)

    assert not refused.succeeded
    assert not unknown.succeeded
    assert "Apprise could not send it" in refused.error
    assert "Apprise does not know this service" in unknown.error
    assert "t0ken" not in refused.error + unknown.error


@pytest.mark.parametrize(
    ("url", "headers", "pointers"),
    [
        ("apprise://phones", {}, ["/headers"]),
        ("signal://token/number", {"X-Apprise-URL": "json://a"}, ["/url"]),
        ("apprise://phones/token", {"X-Apprise-URL": "json://a"}, ["/url"]),
        ("https://example.com", {}, ["/url", "/headers"]),
    ],
)
def test_the_key_stands_in_a_header_alone(url, headers, pointers):
    """The URL is shown to all who may read."""
    with pytest.raises(Invalid) as refused:
        check_form(FORM, url, headers)

    assert [one.pointer for one in refused.value.mistakes] == pointers


def test_a_service_that_apprise_does_not_know_is_refused():
    """When the endpoint is saved, at the header that names it."""
    check_service({"x-apprise-url": "json://localhost/a"})
    with pytest.raises(Invalid) as refused:
        check_service({"X-Apprise-URL": "nothing://localhost"})

    assert [one.pointer for one in refused.value.mistakes] == ["/headers"]
