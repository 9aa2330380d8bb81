"""Posters that may call loopback, and a world for the sender."""

from collections.abc import AsyncIterator

import pytest

from crypitor.webhook.egress import networks
from crypitor.webhook.post import Poster
from tests.patience import HANG_SECONDS
from tests.webhook.world import World

LOOPBACK = networks(["127.0.0.0/8"])


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    """What waits for so long that nothing ends by its deadline, however slow the machine."""
    async with Poster(allow_private=LOOPBACK, deadline_seconds=2 * HANG_SECONDS) as poster:
        yield poster


@pytest.fixture
async def hasty() -> AsyncIterator[Poster]:
    async with Poster(allow_private=LOOPBACK, deadline_seconds=0.3) as poster:
        yield poster


@pytest.fixture
async def world(database, poster):
    return World(database, poster)
