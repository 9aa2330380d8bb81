"""All parts of the service in one process, driven step by step; only chain and receiver are ours."""

import asyncio
import shutil
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import ip_network

import msgspec

from crypitor.database.addresses import insert_addresses
from crypitor.database.endpoints import insert_endpoint
from crypitor.database.engine import Database
from crypitor.database.gauges import GAUGE
from crypitor.database.keys import ensure_project
from crypitor.database.monitors import insert_monitor
from crypitor.development.listen import Received, Receiver
from crypitor.development.simulator.audit import Audit, Heard, Question, audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Address
from crypitor.gauges.looker import Looker
from crypitor.monitor.index import Index
from crypitor.monitor.matcher import Chain, Matcher
from crypitor.monitor.models import DEFAULT_RULES, STATE_KINDS, Monitor, Phase, Rule
from crypitor.monitor.position import kept_headers
from crypitor.queue.memory import MemoryQueue
from crypitor.runtime.loop import Health
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.message import NetworkTitle
from crypitor.webhook.post import Poster
from crypitor.webhook.sender import Sender
from crypitor.worker import Unobserved
from crypitor.worker.follower import Follower
from crypitor.worker.node import Node
from crypitor.worker.nodes import Nodes
from tests.patience import HANG_SECONDS

NETWORK = "dev"
SECRET = "whsec_" + "QUJD" * 10
WINDOW = 4
LEASE_SECONDS = 12.0
REST_SECONDS = 31.0
"""Longer than any node is left alone after a failure."""
MOST_STEPS = 500


class Clock:
    """The time, which passes by itself and also when the test says so.

    Nodes rest for long, and signatures are valid for five minutes: each part has its own.
    """

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_seconds

    def unix(self) -> float:
        return time.time() + self.ahead_seconds

    def unix_ms(self) -> int:
        return int(self.unix() * 1000)


class Uncounted:
    """Takes the place of the metrics."""

    def block_matched(self, *_) -> None:
        pass

    def attempts_recorded(self, _) -> None:
        pass

    def looked(self, *_) -> None:
        pass


class Belt(MemoryQueue):
    """
    The queue of the process; whoever asks it for a block does not wait.

    log: everything that was ever published, as a broker keeps it.
    """

    def __init__(self, log: list) -> None:
        super().__init__(limit=100_000)
        self._log = log

    async def publish(self, message) -> None:
        self._log.append(message)
        await super().publish(message)

    async def next(self, timeout_seconds: float):
        return await super().next(0)

    @property
    def waiting(self) -> bool:
        """Whether anything is there to be matched."""
        return bool(self._turns)

    async def serve_again(self, count: int) -> None:
        """Serve the last messages once more, those of earlier lives among them."""
        for message in self._log[-count:]:
            await super().publish(message)


async def _nothing_changed() -> None:
    """Take the place of a look at what the API changed: here nobody does."""


@dataclass(frozen=True)
class Asked:
    """A monitor of the rig. paths: where it is told, a letter for each endpoint."""

    addresses: tuple[Address, ...]
    confirmations: object
    paths: str = "a"
    rules: tuple[Rule, ...] = DEFAULT_RULES


def webhooks(receiver: Receiver) -> list[Received]:
    """Return what a receiver was sent; each signature has to be right.

    Nothing is sent to its root: who asks there looks for a node of another test, which had the port.
    """
    sent = [told for told in receiver.received if told.path != "/"]
    for told in sent:
        assert told.verified, told.problem
    return sent


class Stepped:
    """One network, a few monitors, and everything between node and receiver.

    lowest: the lowest block that a reorg may leave in place.
    outages: how often no node could answer.
    at_rest: whether the follower had nothing more to do when it stepped last.
    """

    def __init__(
        self, folder, migrated, chain: SimulatedChain, urls, receiver: Receiver, asked, **options
    ) -> None:
        self.chain = chain
        self.clock = Clock()
        self._sender_clock = Clock()
        self._highest = self._highest_ever = 0
        self.outages = 0
        self.at_rest = False
        self.start = options.get("start", 0)
        self.max_reorg_depth = options.get("max_reorg_depth", 8)
        self._asked = asked
        self._urls = urls
        self._receiver = receiver
        self._verify = options.get("verify", "receipts")
        state = any(rule.kind in STATE_KINDS for one in asked for rule in one.rules)
        self._roles = [self._follow, self._match, self.send, *([self._look] if state else [])]
        self._timeout_seconds = options.get("timeout_seconds", HANG_SECONDS)
        self._poll_seconds = options.get("poll_seconds", 60.0)
        self._log = []
        self._path = folder / "crypitor.db"
        self._stack = AsyncExitStack()
        shutil.copy(migrated, self._path)

    async def __aenter__(self):
        self._poster = Poster(allow_private=[ip_network("127.0.0.0/8")], deadline_seconds=10.0)
        async with self._poster, Database.open(f"sqlite:///{self._path}") as database:
            self._monitors = await database.write(self._store)
        await self._poster.__aenter__()
        await self._open()
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()
        await self._poster.__aexit__(None, None, None)

    async def restart(self) -> None:
        """What a new process finds: the database, and nothing else."""
        await self._stack.aclose()
        self._sender_clock.ahead_seconds += LEASE_SECONDS + 0.1
        await self._open()

    async def killed(self, turns: int) -> None:
        """Run all roles side by side for so many turns of the loop; then cut them off."""
        tasks = [asyncio.create_task(run()) for run in self._roles]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        await self.restart()

    async def follow(self, steps: int) -> bool:
        """Take steps of the follower; whether it has more to do."""
        self.at_rest = False
        for _ in range(steps):
            busy = True
            try:
                busy = await self.follower.step()
            except NodeUnavailable:
                self.outages += 1
                self.clock.ahead_seconds += REST_SECONDS
            tip = self.follower.status.tip
            self._highest = max(self._highest, tip.number if tip else 0)
            self._highest_ever = max(self._highest_ever, self._highest)
            if not busy:
                self.at_rest = True
                break
        return not self.at_rest

    @property
    def lowest(self) -> int:
        """
        As deep as is promised, below everything that was published and may yet be matched, or may
        be where the next life begins. A chain may get shorter again and again by as much in sum.

        While the follower catches up, it holds blocks that it asked for and will still publish.
        """
        reached = self._highest + (0 if self.at_rest else WINDOW + 1)
        return max(reached - self.max_reorg_depth, self._highest_ever - 2 * self.max_reorg_depth, 0)

    async def match(self, steps: int) -> None:
        """Take steps of the matcher."""
        for _ in range(steps):
            if not await self.matcher.step():
                break
        tip, matched = self.follower.status.tip, self.matcher.tip(NETWORK)
        if tip is not None and tip == matched and not self.queue.waiting:
            self._highest = tip.number

    async def look(self, steps: int) -> bool:
        """Take steps of whoever looks at state; whether there is more to do."""
        for _ in range(steps):
            try:
                if not await self.looker.step():
                    return False
            except NodeUnavailable:  # a block that has left the chain, until that is matched
                self.outages += 1
                self.clock.ahead_seconds += REST_SECONDS
                return True
        return True

    async def gauges(self) -> list[dict]:
        """Return every gauge, and where it stands."""
        return await self.database.read(lambda tx: tx.all(GAUGE))

    async def looked_hash(self) -> str | None:
        """Return the newest block in which state was looked at."""
        query = "select looked_hash from networks"
        return await self.database.read(lambda tx: tx.value(query))

    async def send(self) -> None:
        """Deliver all that is due."""
        await self.sender.settle()

    async def settle(self) -> None:
        """Go on until the whole chain has been told."""
        for _ in range(MOST_STEPS):
            busy = await self.follow(1)
            await self.match(10)
            tip = self.matcher.tip(NETWORK)
            if not busy:
                looking = self._look in self._roles and await self.look(50)
                if tip is not None and tip.hash == self.chain.head.hash and not looking:
                    await self.send()
                    return
                self.clock.ahead_seconds += REST_SECONDS
        raise AssertionError(f"stuck: {self.follower.status}")

    def audits(self, *, steady_node: bool = False) -> dict[str, Audit]:
        """Return for each endpoint what a plain reading of the chain says to what it heard."""
        heard: dict[str, list[Heard]] = {}
        for told in webhooks(self._receiver):
            heard.setdefault(told.path[1:], []).append(
                Heard(told.id, told.body, msgspec.json.decode(told.body))
            )
        return {
            path: audit(
                self.chain,
                [
                    Question(
                        monitor.id,
                        self.start,
                        asked.confirmations,
                        addresses=frozenset(asked.addresses),
                    )
                    for monitor, asked in zip(self._monitors, self._asked, strict=True)
                    if path in asked.paths
                ],
                heard.get(path, []),
                self.chain.head.number,
                steady_node=steady_node,
            )
            for path in sorted({path for asked in self._asked for path in asked.paths})
        }

    async def stored(self) -> list[tuple]:
        """Return every match as it is stored: monitor, block hash, phase."""
        rows = await self.database.read(
            lambda tx: tx.all("select monitor_id, block_hash, phase from matches")
        )
        return [(row["monitor_id"], row["block_hash"], row["phase"]) for row in rows]

    async def _follow(self) -> None:
        while True:
            await self.follow(1)
            await asyncio.sleep(0)

    async def _match(self) -> None:
        while True:
            await self.match(1)
            await asyncio.sleep(0)

    async def _look(self) -> None:
        while True:
            await self.look(1)
            await asyncio.sleep(0)

    async def _store(self, tx) -> list[Monitor]:
        project = await ensure_project(tx, 1, bytes)
        for path in sorted({path for asked in self._asked for path in asked.paths}):
            url = f"{self._receiver.url}/{path}"
            await insert_endpoint(tx, Endpoint(f"ep_{path}", project, url, SECRET))
        monitors = [
            Monitor(
                id=f"mo_{place}",
                project_id=project,
                name=f"monitor {place}",
                networks=(NETWORK,),
                rules=asked.rules,
                any_address=False,
                endpoints=tuple(f"ep_{path}" for path in asked.paths),
                notify=frozenset(Phase),
                confirmations=asked.confirmations,
                tags=(),
                note="",
                enabled=True,
                created_at=1,
                updated_at=1,
            )
            for place, asked in enumerate(self._asked)
        ]
        for monitor, asked in zip(monitors, self._asked, strict=True):
            await insert_monitor(tx, monitor)
            await insert_addresses(tx, monitor.id, [(each, None) for each in asked.addresses])
        return monitors

    async def _open(self) -> None:
        index = Index()
        for monitor, asked in zip(self._monitors, self._asked, strict=True):
            index.put(monitor)
            index.add_addresses(monitor.id, [(address, None) for address in asked.addresses])
        database = await self._stack.enter_async_context(
            Database.open(f"sqlite:///{self._path}", connections=2)
        )
        self.database = database
        nodes = await self._stack.enter_async_context(self._nodes())
        queue = self.queue = Belt(self._log)
        self.sender = Sender(
            database,
            self._poster,
            clock=self._sender_clock.unix_ms,
            jitter=lambda: 0.0,
            observer=Uncounted(),
            schedule_seconds=(0.0,) * 5,
            lease_seconds=LEASE_SECONDS,
        )
        self.matcher = Matcher(
            queue,
            database,
            index,
            {NETWORK: Chain(NetworkTitle("Dev"), 12, kept_headers(self.max_reorg_depth))},
            wake=self.sender.wake,
            clock=self._sender_clock.unix_ms,
            observer=Uncounted(),
            refresh=_nothing_changed,
        )
        await self.matcher.load()
        self.follower = Follower(
            NETWORK,
            self.chain.chain_id,
            nodes,
            queue,
            database,
            start=self.start,
            max_reorg_depth=self.max_reorg_depth,
            window=WINDOW,
            poll_seconds=self._poll_seconds,
            clock=self.clock.unix_ms,
            health=Health(),
            observer=Unobserved(),
        )
        self._stack.push_async_callback(self.follower.close)
        self.looker = Looker(
            NETWORK,
            self.chain.chain_id,
            NetworkTitle("Dev"),
            await self._stack.enter_async_context(self._nodes()),
            database,
            term=lambda: self.follower.term,
            confirmations=12,
            wake=self.sender.wake,
            clock=self._sender_clock.unix_ms,
            observer=Uncounted(),
        )

    def _nodes(self) -> Nodes:
        members = [
            Node(
                url,
                f"node {place}",
                chain_id=self.chain.chain_id,
                timeout_seconds=self._timeout_seconds,
                verify=self._verify,
            )
            for place, url in enumerate(self._urls)
        ]
        return Nodes(
            NETWORK,
            members,
            observer=Unobserved(),
            clock=self.clock.monotonic,
            wall=self.clock.unix,
        )
