"""The whole service on Kafka, with a simulated chain that goes on whatever happens to the broker."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.live.kafka.broker import Broker
from tests.patience import HANG_SECONDS
from tests.rig import Service, heard, until_all_is_sent
from tests.test_crash import CONFIRMATIONS, ask, fork

BLOCK_SECONDS = 0.1
FORK_BLOCKS = 12
SHUTDOWN_SECONDS = 10.0

Trouble = Callable[["Story"], Awaitable[None]]


class Story:
    """One service, its chain, and what it told.

    topic: of its blocks. more: environment of every process. block_seconds: between two blocks.
    """

    block_seconds = BLOCK_SECONDS

    def __init__(
        self,
        folder: Path,
        kafka: Broker,
        prefix: str,
        node: SimulatorServer,
        chain: SimulatedChain,
        receiver: Receiver,
        secrets: list[str],
        more: dict[str, str],
        roles: Sequence[str],
    ) -> None:
        self.kafka = kafka
        self.topic = f"{prefix}.blocks"
        self._chain = chain
        self._receiver = receiver
        self._secrets = secrets
        self._chance = random.Random(prefix)
        self._folder = folder
        self._settings = {
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
            "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
            "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
            "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
            "CRYPITOR__NETWORKS__DEV__START": "0",
            "CRYPITOR__WEBHOOK__SCHEDULE_SECONDS": "[0.05, 0.1, 0.5, 1, 2, 5]",
            "CRYPITOR__QUEUE__KIND": "kafka",
            "CRYPITOR__QUEUE__BOOTSTRAP_SERVERS": json.dumps(kafka.servers),
            "CRYPITOR__QUEUE__TOPIC_PREFIX": prefix,
            "CRYPITOR__QUEUE__PARTITIONS": "4",
            "CRYPITOR__SERVER__SHUTDOWN_SECONDS": str(SHUTDOWN_SECONDS),
            **more,
        }
        self.processes: list[Service] = []
        self.service = self.process(*roles)

    def process(self, *roles: str) -> Service:
        """Return another process of the same service; not started."""
        number = len(list(self._folder.iterdir()))
        folder = self._folder / f"process-{number}"
        folder.mkdir()
        settings = {"CRYPITOR__DATABASE__URL": f"sqlite:///{self._folder}/crypitor.db"}
        self.processes.append(Service(folder, settings | self._settings, roles))
        return self.processes[-1]

    async def go_on(self) -> None:
        """Mine until cancelled, with reorgs."""
        while True:
            if self._chain.head.number % FORK_BLOCKS == 0:
                fork(self._chain, self._chance)
            self._chain.mine()
            await asyncio.sleep(self.block_seconds)

    async def kill(self) -> None:
        """Let no process outlive its test."""
        for process in self.processes:
            if process.process is not None and process.process.returncode is None:
                await process.kill()

    async def catch_up(self, seconds: float = HANG_SECONDS) -> float:
        """Wait until the block that is the head now has been matched; return how long it took."""
        began = time.monotonic()
        await self.service.until_tip("dev", self._chain.head.number, seconds)
        return time.monotonic() - began


@asynccontextmanager
async def story(
    folder: Path,
    kafka: Broker,
    prefix: str,
    *,
    ready: int = 200,
    more: dict[str, str] | None = None,
    roles: Sequence[str] = (),
) -> AsyncIterator[Story]:
    """Start a service on a chain that goes on; in the end nothing is missing and nothing invented.

    ready: what /readyz answers first. roles: of the service; all, if none is given.
    """
    chain = SimulatedChain(prefix)
    secrets: list[str] = []
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(SimulatorServer(chain))
        receiver = await stack.enter_async_context(Receiver(lambda: secrets))
        told = Story(folder, kafka, prefix, node, chain, receiver, secrets, more or {}, roles)
        stack.push_async_callback(told.kill)
        await told.service.start(ready)
        question = await ask(told.service, chain, receiver, secrets)
        chain.mine(5)
        going_on = asyncio.create_task(told.go_on())
        try:
            yield told
        finally:
            going_on.cancel()
        await told.catch_up(120)
        chain.reorg(2, 2 + CONFIRMATIONS)
        await told.catch_up()
        await until_all_is_sent(told.service, receiver)
        found = audit(chain, [question], heard(receiver), chain.head.number, steady_node=True)
        began = time.monotonic()
        lasting = [one for one in told.processes if one.process.returncode is None]
        statuses = await asyncio.gather(*(one.stop() for one in lasting))

    log = "".join(one.log.read_text() for one in lasting)
    print(f"{chain.head.number} blocks, {chain.reorg_count} reorgs, {found.webhooks} webhooks, "
          f"{found.repeated} repeated, {found.reverted} of reverted matches, stopped in {time.monotonic() - began:.1f} s")  # fmt: skip
    assert found.problems == []
    assert found.expected > chain.head.number
    assert found.reverted > 0, "no reorg was seen"
    assert told.service in lasting
    assert set(statuses) == {0}, log
    assert "Traceback" not in log, log
    assert "cut off" not in log, log
