"""What the whole service takes of the processor for a block: the real process, over loopback.

`crypitor run` as a process of its own catches up with a node that serves prepared bytes, and POSTs
to a receiver. CRYPITOR_BENCH_PRODUCT names the folder whose product runs; bench and inputs stay.
"""

import asyncio
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench import inputs
from bench.chains import chains
from bench.figures import figure
from bench.measuring import memory_mb, processor_seconds
from bench.receiver import receiver
from tests.rig import Service

BLOCKS = 300
QUICK_BLOCKS = 40
LOOK_SECONDS = 0.5
AT_REST_SECONDS = 3.0
INLINE = 1000
PRODUCT = "CRYPITOR_BENCH_PRODUCT"


@dataclass(frozen=True)
class Case:
    """What is watched: a monitor's body without its networks and its webhook."""

    name: str
    verify: str
    asked: dict


def _cases() -> list[Case]:
    kinds = {
        "native above 9.8 coins": {
            "addresses": "any", "rules": [{"kind": "native", "where": "amount > 98 * 10**17"}]
        },
        "ERC-20 through a where": {
            "addresses": "any",
            "rules": [{"kind": "erc20", "where": "amount > 999 * 10**17"}],
        },
        "1 address": {"addresses": inputs.watched_addresses(1)},
        "1,000 addresses": {"addresses": inputs.watched_addresses(1000)},
        "1,000,000 addresses": {"addresses": inputs.watched_addresses(1_000_000)},
    }  # fmt: skip
    return [
        Case(f"{name}, {verify}", verify, asked)
        for name, asked in kinds.items()
        for verify in ("receipts", "off")
    ]


class Product(Service):
    """The product of another folder, where one is named."""

    async def _begin(self, words):
        environ = {**self.environ, "PYTHONPATH": os.environ.get(PRODUCT, str(Path.cwd()))}
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "crypitor", *words,
                cwd=self.folder, env=environ, stdout=log, stderr=log,
            )  # fmt: skip


def bench(*, quick: bool = False) -> dict:
    """Measure each case."""
    blocks = QUICK_BLOCKS if quick else BLOCKS
    return {case.name: asyncio.run(_measured(case, blocks)) for case in _cases()}


async def _measured(case: Case, blocks: int) -> dict:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        node = await stack.enter_async_context(chains(blocks, [inputs.CHAIN_ID]))
        hooks = await stack.enter_async_context(receiver())
        service = Product(
            folder,
            {
                "CRYPITOR__NETWORKS__LIVE__RPC": f'["{node}/{inputs.CHAIN_ID}"]',
                "CRYPITOR__NETWORKS__LIVE__CHAIN_ID": str(inputs.CHAIN_ID),
                "CRYPITOR__NETWORKS__LIVE__VERIFY": case.verify,
            },
            migrated=False,
        )
        await service.start()
        stack.push_async_callback(service.kill)
        await service.until_tip("live", 1)
        await asyncio.sleep(AT_REST_SECONDS)
        at_rest = memory_mb(service.process.pid)
        await _watch(service, {"webhook": {"url": hooks}, **case.asked})
        http = await stack.enter_async_context(aiohttp.ClientSession())
        found = await _caught_up(service, http, node, hooks, blocks)
        return {"memory at rest": figure([at_rest], "MB"), **found}


async def _watch(service: Service, asked: dict) -> None:
    """Make the monitor; what one call does not take of its addresses follows."""
    listed = asked.get("addresses", "any")
    first = listed if listed == "any" else listed[:INLINE]
    made = await service.post("/v1/monitors", {"networks": ["live"], **asked, "addresses": first})
    if listed != "any" and len(listed) > INLINE:
        headers = {"Content-Type": "text/csv"}
        async with service.api() as api, api.post(
            f"/v1/monitors/{made['id']}/addresses", data="\n".join(listed), headers=headers
        ) as answer:  # fmt: skip
            assert answer.status == 200, await answer.text()


async def _caught_up(
    service: Service, http: aiohttp.ClientSession, node: str, hooks: str, blocks: int
) -> dict:
    pid = service.process.pid
    before = await _asked(http, node)
    worked, began = processor_seconds(pid), time.monotonic()
    async with http.get(f"{node}/open"):
        pass
    while (await service.get("/v1/networks/live"))["tip"] < blocks:  # noqa: ASYNC110 - its process
        await asyncio.sleep(LOOK_SECONDS)
    seconds = time.monotonic() - began
    await service.until_nothing_is_due()
    worked = processor_seconds(pid) - worked
    async with http.get(hooks) as answer:
        posts = len(await answer.json())
    followed = blocks - 1
    after = await _asked(http, node)
    requests, size = (after[name] - before[name] for name in ("requests", "bytes"))
    return {
        "processor a block": figure([1000 * worked / followed], "ms"),
        "clock a block": figure([1000 * seconds / followed], "ms"),
        "memory": figure([memory_mb(pid)], "MB"),
        "POSTs of detected matches a block": figure([posts / followed], ""),
        "requests a block": figure([requests / followed], ""),
        "answers a block": figure([size / followed / 1000], "kB"),
    }


async def _asked(http: aiohttp.ClientSession, node: str) -> dict:
    async with http.get(f"{node}/told") as answer:
        return await answer.json()
