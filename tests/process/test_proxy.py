"""What `check` says of proxies: one that goes anywhere, one that keeps to the outside, and others."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from yarl import URL

from crypitor.config import load
from crypitor.process.check.proxy import METADATA, proxy_findings
from tests.patience import HANG_SECONDS
from tests.webhook.receivers import raw_receiver


def proxy_of(decide):
    """A small proxy: goes where it is asked to, unless `decide` answers a status in its place."""

    async def talk(reader, writer):
        method, target, _ = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode().split()
        where = URL(f"//{target}" if method == "CONNECT" else target)
        status = decide(method, where)
        if status is None:
            _, there = await asyncio.open_connection(where.host, where.port)
            there.close()
            status = 200
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    return talk


@asynccontextmanager
async def judged(decide):
    async with raw_receiver(proxy_of(decide)) as url:
        config = load(None, {"CRYPITOR__WEBHOOK__PROXY": url})
        yield (await asyncio.wait_for(proxy_findings(config), HANG_SECONDS))[0]


def outside_only(method, where):
    return 403


def anywhere(method, where):
    return 404 if where.host == METADATA[0] else None


@pytest.mark.parametrize(
    "decide, works, warns, words",
    [
        (outside_only, True, False, "refuses CONNECT 127.0.0.1, GET 127.0.0.1, CONNECT 169.254"),
        (anywhere, False, False, "lets webhooks go inside: it called 127.0.0.1"),
        (lambda method, where: 403 if method == "CONNECT" else anywhere(method, where), False, False, "it called 127.0.0.1"),
        (lambda method, where: 200 if where.host == METADATA[0] else 403, False, False, "169.254.169.254"),
        (lambda method, where: 407, False, False, "does not let us in"),
        (lambda method, where: 502, True, True, "may go inside"),
    ],
)  # fmt: skip
async def test_a_proxy_is_judged_by_what_it_does(decide, works, warns, words):
    """By whether somebody came through to a door of ours, and else by what it answers."""
    async with judged(decide) as finding:
        assert (finding.works, finding.warns) == (works, warns)
        assert words in str(finding)
        assert (
            (works and not warns)
            or "docs/webhooks.md" in finding.cure
            or "password" in finding.cure
        )


async def test_a_proxy_that_is_down_is_told():
    """As what webhooks wait for."""
    async with raw_receiver(lambda *_: asyncio.Event().wait()) as url:
        pass
    [finding] = await proxy_findings(load(None, {"CRYPITOR__WEBHOOK__PROXY": url}))

    assert not finding.works
    assert "cannot be reached" in finding.sentence


async def test_without_a_proxy_there_is_nothing_to_say():
    """Most have none."""
    assert await proxy_findings(load(None, {})) == []
