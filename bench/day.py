"""A day of a network in some minutes: the memory of the service after each of its 24 hours.

`crypitor run`, a process of its own, follows a simulated chain that makes 300 blocks an hour, as
Ethereum does, only faster: with reorgs, webhooks in all phases, and an API that reads, and makes,
changes and deletes monitors meanwhile. The service's clock is that of the machine, so nothing gets
so old that it is removed: the database grows all day, which the memory must not follow.
"""

import asyncio
import random
import tempfile
from pathlib import Path

from bench.measuring import memory_mb
from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.rig import Service

HOURS = 24
QUICK_HOURS = 2
BLOCKS = 300
"""An hour: one each 12 seconds."""

BLOCK_SECONDS = 0.01
EDIT_EACH = 10
REORG_SHARE = 0.03
MONITORS = 20
WATCHED = 200
WAIT_SECONDS = 600.0


class Day:
    """A chain, the service that follows it, and the user who calls its API."""

    def __init__(self, chain: SimulatedChain, service: Service) -> None:
        self.chain = chain
        self.service = service
        self.calls = 0
        self._chance = random.Random(7)
        self._monitors: list[str] = []
        self._endpoint = ""

    async def begin(self, url: str, secrets: list[str]) -> None:
        """Watch five actors for all of the day."""
        endpoint = await self.service.post("/v1/endpoints", {"url": f"{url}/hook"})
        secrets.append(endpoint["secret"])
        self._endpoint = endpoint["id"]
        await self._watch([actor.address for actor in self.chain.actors[:5]])

    async def hour(self) -> None:
        """Let an hour of blocks come, and wait until all of it is matched and delivered."""
        for number in range(BLOCKS):
            self.chain.mine()
            if self._chance.random() < REORG_SHARE:
                depth = self._chance.randint(1, 4)
                self.chain.reorg(depth, depth + self._chance.randint(0, 1))
            if number % EDIT_EACH == 0:
                await self._edit()
            await asyncio.sleep(BLOCK_SECONDS)
        await self.service.until_tip("dev", self.chain.head.number, WAIT_SECONDS)
        await self.service.until_nothing_is_due(WAIT_SECONDS)

    async def _watch(self, addresses: list[str]) -> str:
        made = await self.service.post(
            "/v1/monitors",
            {
                "networks": ["dev"],
                "addresses": addresses,
                "endpoints": [self._endpoint],
                "tags": [f"day {self.calls}"],
            },
        )
        return made["id"]

    async def _edit(self) -> None:
        """Make a monitor, change and delete others, and read what there is."""
        fresh = ["0x" + self._chance.randbytes(20).hex() for _ in range(WATCHED)]
        self._monitors.append(
            await self._watch([*fresh, self._chance.choice(self.chain.actors).address])
        )
        changed = self._chance.choice(self._monitors)
        async with self.service.api() as api:
            asked = [
                (
                    "PATCH",
                    f"/v1/monitors/{changed}",
                    {"note": f"changed at {self.chain.head.number}"},
                ),
                ("POST", f"/v1/monitors/{changed}/addresses", {"addresses": fresh[:20]}),
                ("GET", "/v1/monitors?limit=50", None),
                ("GET", "/v1/matches?limit=100", None),
                ("GET", "/v1/deliveries?limit=100", None),
                ("GET", "/metrics", None),
            ]
            if len(self._monitors) > MONITORS:
                asked.append(("DELETE", f"/v1/monitors/{self._monitors.pop(0)}", None))
            for method, path, body in asked:
                media = (
                    {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
                )
                async with api.request(method, path, json=body, headers=media) as answer:
                    await answer.read()
                    assert answer.status < 300, (method, path, answer.status, await answer.text())
        self.calls += len(asked) + 1


def bench(*, quick: bool = False) -> dict:
    """Run the day. quick: two hours of it."""
    return asyncio.run(_run(QUICK_HOURS if quick else HOURS))


async def _run(hours: int) -> dict:
    chain = SimulatedChain(5, transfers=(4, 8), actors=40, keep_blocks=150, block_seconds=12)
    secrets: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        async with SimulatorServer(chain) as node, Receiver(lambda: secrets, keep=1) as receiver:
            service = Service(
                Path(folder),
                {
                    "CRYPITOR__NETWORKS__DEV__CHAIN_ID": str(chain.chain_id),
                    "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                    "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
                    "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": "4",
                },
            )
            await service.start()
            try:
                day = Day(chain, service)
                await day.begin(receiver.url, secrets)
                at_start = memory_mb(service.process.pid)
                memory = []
                for _ in range(hours):
                    await day.hour()
                    memory.append(memory_mb(service.process.pid))
            finally:
                await service.stop()
        quarter = max(1, hours // 4)
        size = (Path(folder) / "crypitor.db").stat().st_size
    return {
        "blocks": chain.head.number,
        "reorgs": chain.reorg_count,
        "webhooks": receiver.count,
        "API calls": day.calls,
        "database MB": round(size / 1e6, 1),
        "memory MB at the start": at_start,
        "memory MB after each hour": " ".join(map(str, memory)),
        "last hour / first": round(memory[-1] / memory[0], 3),
        "last quarter / second": round(
            sum(memory[-quarter:]) / sum(memory[quarter : 2 * quarter]), 3
        ),
    }
