"""An attempt that fails leaves nothing behind, however it fails: receivers fail for days."""

import asyncio

import pytest

from tests.garbage import left_behind
from tests.webhook.posting import OK, endpoint, post
from tests.webhook.receivers import raw_receiver, request_of

TIMES = 5
ANSWERS = {
    "taken": OK,
    "refused": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    "sent on": b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("what", ANSWERS)
@pytest.mark.parametrize("hangs", [False, True])
async def test_whatever_a_receiver_says_leaves_nothing(hasty, what, hangs):
    """Whether it closes the connection then, or is silent until the deadline."""

    async def talk(reader, writer):
        await request_of(reader)
        writer.write(ANSWERS[what])
        await writer.drain()
        if not hangs:
            writer.write_eof()
        await reader.read()

    async with raw_receiver(talk) as url:
        await post(hasty, url)
        async with left_behind() as left:
            for _ in range(TIMES):
                await post(hasty, url)
            await asyncio.sleep(0.01)
    assert left == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://nowhere.invalid/", "https://127.0.0.1:1/"]
)
async def test_who_is_not_there_leaves_nothing(hasty, url):
    """A port that is closed, a name that nobody has."""
    await post(hasty, url)
    async with left_behind() as left:
        for _ in range(TIMES):
            await post(hasty, url)
    assert left == []


async def test_what_is_no_address_to_call_leaves_nothing(hasty):
    """It is refused before anything is dialled."""
    inside = endpoint("http://10.0.0.1/")
    await hasty.post(inside, "de_1", b"{}", 0)
    async with left_behind() as left:
        for _ in range(TIMES):
            await hasty.post(inside, "de_1", b"{}", 0)
    assert left == []
