"""The whole service on a simulated chain, with a receiver that checks what it is told.

Nothing in the service knows that this is a demo: it reads the chain over JSON-RPC, its monitors are
made over its REST API, and what arrives is compared with what happened on the chain.
"""

import asyncio
import secrets
import socket
import tempfile
import time
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from rich.console import Console
from rich.text import Text

from crypitor.config import ROLES, Config
from crypitor.development.listen import Received, Receiver, line
from crypitor.development.simulator.audit import Audit, Heard, Question, audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.mining import keep_mining, mine
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.process.app import serve
from crypitor.runtime.log import setup
from crypitor.runtime.loop import pause
from crypitor.runtime.signals import run_until_signalled
from crypitor.runtime.terminal import visible

NETWORK = "demo"
CHAIN_ID = 1337
CONFIRMATIONS = 3
BLOCK_SECONDS = 1.0
REORG_EVERY = 8
WATCHED_ACTORS = slice(6, 9)
"""Busy enough to see something, quiet enough to read it."""
SETTLE_SECONDS = 10.0
INTERRUPTED_SETTLE_SECONDS = 1.0
"""How long, at the end, what is still on its way may take to arrive."""


def run(
    config: Config, seconds: float | None, queue: str, seed: str | None, *, opens: bool = False
) -> int:
    """Run the demo for some time, or until a signal; 0 if all webhooks arrived and verified.

    config: its queue section is used where `queue` is kafka, and its port where that is free.
    seed: of the chain; None for one that was never seen before. opens: whether the dashboard is
    shown in the user's browser.
    """
    setup("warning", config.log.format)
    demo = Demo(config, seconds, queue, secrets.token_hex(8) if seed is None else seed, opens)
    run_until_signalled(demo.run)
    return demo.status


class Demo:
    """One run. status: the exit status, once it has ended."""

    def __init__(
        self, config: Config, seconds: float | None, queue: str, seed: str, opens: bool
    ) -> None:
        self.status = 1
        self._config = config
        self._seconds = seconds
        self._queue = queue
        self._opens = opens
        self._console = Console(highlight=False, soft_wrap=True)
        self._secrets: list[str] = []
        self._refused = 0
        self._count = 0
        self._chain = SimulatedChain(
            seed,
            chain_id=CHAIN_ID,
            genesis_time=time.time(),
            block_seconds=BLOCK_SECONDS,
            keep_blocks=3600,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Run the chain, the receiver and the service beside each other."""
        with (
            tempfile.TemporaryDirectory(prefix="crypitor-demo-") as folder,
            _door(self._config.server.port) as door,
        ):
            async with (
                SimulatorServer(self._chain) as node,
                Receiver(lambda: self._secrets, told=self._tell) as receiver,
                asyncio.TaskGroup() as group,
            ):
                config = self._service_config(Path(folder), node, door.getsockname()[1])
                ended, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
                group.create_task(
                    serve(config, ROLES, ended, lambda *told: ready.set_result(told), doors=[door])
                )
                try:
                    url, admin_key = await ready
                    await self._show(url, admin_key, node, receiver, stop)
                finally:
                    ended.set()

    async def _show(
        self,
        url: str,
        admin_key: str,
        node: SimulatorServer,
        receiver: Receiver,
        stop: asyncio.Event,
    ) -> None:
        self._console.print(_welcome(url, admin_key, node.url))
        if self._opens:
            await asyncio.to_thread(webbrowser.open, f"{url}/")
        async with _api(url, admin_key) as api:
            questions = await self._ask(api, node, receiver, stop)
            began = time.monotonic()
            timer = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                mining = group.create_task(
                    keep_mining(self._chain, node, BLOCK_SECONDS, REORG_EVERY, timer)
                )
                await pause(self._seconds or float("inf"), stop)
                timer.set()
                await mining
            found = await self._settled(api, node, receiver, questions, stop)
            self._sum_up(found, time.monotonic() - began, interrupted=stop.is_set())

    async def _ask(
        self,
        api: aiohttp.ClientSession,
        node: SimulatorServer,
        receiver: Receiver,
        stop: asyncio.Event,
    ) -> list[Question]:
        """Create an endpoint and two monitors, as a user would; nothing once it is to end."""
        await mine(self._chain, node, 1)
        while not stop.is_set() and await _tip(api) < 1:
            await pause(0.02, stop)
        if stop.is_set():
            return []
        endpoint = await _post(
            api, "/v1/endpoints", {"url": f"{receiver.url}/hook", "description": "Demo receiver"}
        )
        self._secrets.append((await _get(api, f"/v1/endpoints/{endpoint['id']}/secret"))["secret"])
        actors = [actor.address for actor in self._chain.actors[WATCHED_ACTORS]]
        token = self._chain.contracts.erc20[-1]
        treasury = await _post(
            api,
            "/v1/monitors",
            {
                "name": "Treasury",
                "networks": [NETWORK],
                "addresses": [
                    {"address": address, "label": f"wallet {number}"}
                    for number, address in enumerate(actors, 1)
                ],
                "endpoints": [endpoint["id"]],
                "tags": ["demo"],
            },
        )
        deposits = await _post(
            api,
            "/v1/monitors",
            {
                "name": f"All {token.symbol}",
                "networks": [NETWORK],
                "addresses": "any",
                "rules": [{"kind": "erc20", "direction": "in", "contracts": [token.address]}],
                "endpoints": [endpoint["id"]],
            },
        )
        return [
            Question(
                treasury["id"],
                treasury["armed_from"][NETWORK],
                CONFIRMATIONS,
                addresses=frozenset(actors),
            ),
            Question(
                deposits["id"],
                deposits["armed_from"][NETWORK],
                CONFIRMATIONS,
                kinds=frozenset({"erc20"}),
                contracts=frozenset({token.address}),
                directions=frozenset({"in"}),
            ),
        ]

    async def _settled(
        self,
        api: aiohttp.ClientSession,
        node: SimulatorServer,
        receiver: Receiver,
        questions: Sequence[Question],
        stop: asyncio.Event,
    ) -> Audit:
        """Wait until everything that happened has been told, for a bounded time."""
        limit = INTERRUPTED_SETTLE_SECONDS if stop.is_set() else SETTLE_SECONDS
        until = time.monotonic() + limit
        while True:
            tip = await _tip(api)
            found = self._audit(questions, receiver, self._chain.head.number)
            done = tip == self._chain.head.number and not found.problems
            if done or not questions or time.monotonic() > until:
                return found
            await node.announce()
            await asyncio.sleep(0.05)

    def _audit(self, questions: Sequence[Question], receiver: Receiver, tip: int) -> Audit:
        heard = [
            Heard(received.id, received.body, msgspec.json.decode(received.body))
            for received in receiver.received
        ]
        return audit(self._chain, questions, heard, tip)

    def _tell(self, received: Received) -> None:
        self._refused += received.verified is not True
        self._count += 1
        self._console.print(Text.assemble((f"{self._count:5} ", "dim"), line(received)))

    def _sum_up(self, found: Audit, seconds: float, *, interrupted: bool) -> None:
        for problem in found.problems[:20]:
            self._console.print(Text(visible(problem), "red"))
        good = not found.problems and not self._refused and (found.webhooks > 0 or interrupted)
        self.status = 0 if good else 1
        self._console.print(
            Text(
                f"{found.webhooks} webhooks in {seconds:.0f} s over"
                f" {self._chain.head.number} blocks and {self._chain.reorg_count} reorgs:"
                f" {self._refused} with a wrong signature,"
                f" {len(found.problems)} missing or wrong, {found.repeated} repeated",
                "bold green" if good else "bold red",
            )
        )

    def _service_config(self, folder: Path, node: SimulatorServer, port: int) -> Config:
        return Config.model_validate(
            {
                "server": {"port": port, "shutdown_seconds": 1.5},
                "database": {"url": f"sqlite:///{folder}/crypitor.db"},
                "queue": {
                    "kind": self._queue,
                    "bootstrap_servers": list(self._config.queue.bootstrap_servers),
                    "topic_prefix": f"crypitor-demo-{time.time_ns()}",
                },
                "networks": {
                    NETWORK: {
                        "chain_id": CHAIN_ID,
                        "rpc": [node.ws_url],
                        "confirmations": CONFIRMATIONS,
                        "poll_seconds": 0.25,
                        "title": "Simulated chain",
                        "native_symbol": "SIM",
                    }
                },
                "webhook": {"allow_private": ["127.0.0.0/8"]},
                "log": {"level": "warning"},
            }
        )


def _welcome(url: str, admin_key: str, node_url: str) -> Text:
    # Without a frame: it would cut off what is to be copied, where the terminal is narrow.
    return Text.assemble(
        ("Crypitor demo\n", "bold"),
        ("  dashboard  ", "dim"), f"{url}/\n",
        ("  API        ", "dim"), f"{url}/docs\n",
        ("  key        ", "dim"), f"{admin_key}\n",
        ("  node       ", "dim"), f"{node_url}  a simulated chain: a block a second, reorgs\n",
        ("webhooks as they arrive; ✓ the signature is right; Ctrl-C ends it", "dim"),
    )  # fmt: skip


@asynccontextmanager
async def _api(url: str, admin_key: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        url, headers={"Authorization": f"Bearer {admin_key}"}, raise_for_status=_explain
    ) as api:
        yield api


async def _explain(answer: aiohttp.ClientResponse) -> None:
    if answer.status >= 400:
        raise RuntimeError(f"{answer.method} {answer.url.path}: {await answer.text()}")


async def _post(api: aiohttp.ClientSession, path: str, body: object) -> dict[str, Any]:
    async with api.post(path, json=body) as answer:
        made: dict[str, Any] = await answer.json()
        return made


async def _get(api: aiohttp.ClientSession, path: str) -> dict[str, Any]:
    async with api.get(path) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def _tip(api: aiohttp.ClientSession) -> int:
    """Return the newest matched block, -1 before the first."""
    tip = (await _get(api, f"/v1/networks/{NETWORK}"))["tip"]
    return -1 if tip is None else int(tip)


def _door(wanted: int) -> socket.socket:
    """Listen at the port, or at any where somebody else does; from now on no other program can."""
    try:
        return socket.create_server(("127.0.0.1", wanted))
    except OSError:
        return socket.create_server(("127.0.0.1", 0))
