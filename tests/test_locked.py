"""The service while another process holds the write lock of its SQLite file."""

import asyncio
import subprocess
import sys
import time

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.database.test_sqlite import HOLDER
from tests.rig import Service
from tests.test_service import settings

WRITERS = 40


async def test_all_who_write_are_told_at_about_the_same_time(tmp_path):
    """Beside roles that try again and again: one after another it took forty times as long."""
    chain = SimulatedChain(3)
    async with SimulatorServer(chain) as node:
        service = Service(tmp_path, settings(node.url))
        await service.start()
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(tmp_path / "crypitor.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as holder:
            await asyncio.to_thread(holder.stdout.readline)
            chain.mine(3)
            async with service.api() as api:

                async def write():
                    body = {"networks": ["dev"]}
                    async with api.post("/v1/monitors", json=body) as answer:
                        return answer.status

                began = time.monotonic()
                found = await asyncio.gather(*(write() for _ in range(WRITERS)))
                took = time.monotonic() - began
            await asyncio.to_thread(holder.communicate)
        await service.until_ready()
        await service.until_tip("dev", chain.head.number)
        made = await service.post("/v1/monitors", {"networks": ["dev"]})
        page = await service.get("/v1/monitors")
        await service.stop()

    assert found == [503] * WRITERS
    assert took < 30, "each waited for as long as the first"
    assert [one["id"] for one in page["data"]] == [made["id"]]
