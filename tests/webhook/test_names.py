"""Looking up names, with the operating system's own resolver."""

import asyncio
import socket

import pytest

from crypitor.webhook.names import MOST_LOOKUPS, Names


async def test_a_literal_is_its_own_address():
    """Numbers need no DNS; the port and family come back as asked."""
    [found] = await Names().resolve("127.0.0.1", 80)

    assert (found["host"], found["port"], found["family"]) == ("127.0.0.1", 80, socket.AF_INET)
    assert found["hostname"] == "127.0.0.1"


async def test_localhost_is_found():
    """The hosts file counts."""
    found = await Names().resolve("localhost", 443)

    assert {one["host"] for one in found} <= {"127.0.0.1", "::1"}
    assert found


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a" * 64 + ".com", "a..b"])
async def test_a_name_that_cannot_be_found_is_an_os_error(name):
    """Also one that is no name at all."""
    with pytest.raises(OSError):
        await Names().resolve(name, 80)


async def test_many_look_ups_share_the_threads_and_all_end():
    """More than there are threads."""
    names = Names()
    found = await asyncio.gather(*(names.resolve("127.0.0.1", 80) for _ in range(MOST_LOOKUPS * 3)))

    assert len(found) == MOST_LOOKUPS * 3


async def test_a_cancelled_look_up_frees_its_place():
    """And its late answer disturbs nobody."""
    names = Names()
    for _ in range(MOST_LOOKUPS + 1):
        looking = asyncio.create_task(names.resolve("127.0.0.1", 80))
        await asyncio.sleep(0)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)

    assert await names.resolve("127.0.0.1", 80)
    await names.close()
