"""A follower and all that it needs, and a consumer that stands for the matcher."""

from contextlib import AsyncExitStack
from time import monotonic

from crypitor.database.blocks import BlockEffect, save_blocks
from crypitor.database.networks import ask_rewind, position_of
from crypitor.monitor.position import Extends, Repeated, kept_headers, place
from crypitor.queue.memory import MemoryQueue
from crypitor.runtime.loop import Health
from crypitor.webhook.message import NetworkTitle
from crypitor.worker import Unobserved
from crypitor.worker.follower import Follower
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes
from tests.patience import HANG_SECONDS
from tests.worker.conftest import CHAIN_ID

NETWORK = "dev"
MAX_REORG_DEPTH = 8
KEPT = kept_headers(MAX_REORG_DEPTH)


class Clock:
    """Unix milliseconds that pass only when the test says so."""

    now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now


class Consumer:
    """Takes blocks from the queue as the matcher does: only what extends a header it knows.

    taken: the messages that had an effect.  told: heights of all that came, repetitions too.
    """

    def __init__(self, queue, database, keep=KEPT):
        self.taken = []
        self.told = []
        self.losing = set()
        self._queue = queue
        self._database = database
        self._keep = keep

    async def take(self) -> None:
        """Take all that is there. Heights in `losing` are lost once, as an unreadable message."""
        while message := await self._queue.next(0):
            header = message.block.header
            self.told.append(header.number)
            if header.number in self.losing:
                self.losing.remove(header.number)
            else:
                await self._effect(message, header)
            await self._queue.done(message)

    async def hashes(self) -> list[str]:
        """The chain as far as its headers are kept."""
        return [header.hash for header in (await self._position()).headers]

    async def _position(self):
        return await self._database.read(lambda tx: position_of(tx, NETWORK, self._keep))

    async def _effect(self, message, header) -> None:
        position = await self._position()
        placed = place(position, message.sequence, header)
        if isinstance(placed, Repeated):
            return
        if not isinstance(placed, Extends):
            await self._database.write(lambda tx: ask_rewind(tx, NETWORK))
            return
        effect = BlockEffect(
            network=NETWORK,
            chain_id=message.chain_id,
            title=NetworkTitle("Dev"),
            sequence=message.sequence,
            header=header,
            ancestor_number=placed.ancestor.number if placed.ancestor else None,
            matches=[],
            safe=None,
            finalized=None,
            oldest_kept=header.number - self._keep + 1,
            now=1,
        )
        assert await self._database.write(lambda tx: save_blocks(tx, [effect], position.sequence))
        self.taken.append(message)


class Rig:
    """Everything around one follower; `restart` replaces the follower and its queue."""

    def __init__(self, database, *urls, observer=None, **options):
        self.database = database
        self.clock = Clock()
        self.health = Health()
        self.observer = observer or Unobserved()
        self._urls = urls
        self._options = options
        self._stack = AsyncExitStack()
        self._passed = 0.0

    async def __aenter__(self):
        await self._begin()
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass for the nodes' cool-downs."""
        self._passed += seconds

    async def restart(self, **options) -> None:
        """What happens when the process is killed: the queue is empty, the database stays."""
        await self._stack.aclose()
        self._options |= options
        await self._begin()

    async def _begin(self) -> None:
        options = {
            "chain_id": CHAIN_ID,
            "verify": "receipts",
            "start": 0,
            "window": 4,
            **self._options,
        }
        members = [
            Node(
                url,
                f"node {at}",
                chain_id=options["chain_id"],
                timeout_seconds=HANG_SECONDS,
                verify=options["verify"],
                profile=options.get("profile"),
                traces=options.get("traces", "off"),
                needed=options.get("needed"),
            )
            for at, url in enumerate(self._urls)
        ]
        self.nodes = Nodes(
            NETWORK, members, observer=self.observer, clock=lambda: monotonic() + self._passed
        )
        self.queue = options.get("queue") or MemoryQueue(limit=10_000)
        keep = options.get("max_reorg_depth", MAX_REORG_DEPTH)
        self.consumer = Consumer(self.queue, self.database, kept_headers(keep))
        self.follower = Follower(
            NETWORK,
            options["chain_id"],
            self.nodes,
            self.queue,
            self.database,
            start=options["start"],
            max_reorg_depth=keep,
            window=options["window"],
            poll_seconds=options.get("poll_seconds", 60.0),
            clock=self.clock,
            health=self.health,
            observer=self.observer,
            tags_wanted=options.get("tags_wanted", lambda: True),
            lead=options.get("lead"),
            reset=options.get("reset", "stop"),
        )
        await self._stack.enter_async_context(self.nodes)
        self._stack.push_async_callback(self.follower.close)

    async def settle(self) -> None:
        """Step until there is nothing to do, with the consumer taking all that comes."""
        for _ in range(1000):
            busy = await self.follower.step()
            await self.consumer.take()
            if not busy:
                return
        raise AssertionError("the follower never comes to rest")
