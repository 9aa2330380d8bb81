from dataclasses import replace

import pytest

from crypitor.database.monitors import insert_monitor
from crypitor.database.networks import lead
from tests.database.chain import ENDPOINT, PROJECT, Chain
from tests.monitor.test_match import MONITOR


@pytest.fixture
async def chain(database):
    async def prepare(tx):
        await tx.run(PROJECT)
        for endpoint in ("ep_1", "ep_2"):
            await tx.run(ENDPOINT, id=endpoint)
        await insert_monitor(tx, replace(MONITOR, endpoints=("ep_1",)))
        await lead(tx, "ethereum", 1)

    await database.write(prepare)
    return Chain(database)
