"""From the start of `crypitor run` to its being ready, with nothing and with much to load."""

import asyncio
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import aiohttp

from bench.addresses import MONITOR
from bench.blocks import addresses
from bench.figures import figure
from crypitor.database.addresses import insert_addresses
from crypitor.database.engine import Database, Transaction
from crypitor.database.migrate import migrate
from crypitor.database.monitors import insert_monitor
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.monitor.models import Kind, rule_of

ROUNDS = 5
POLL_SECONDS = 0.01
AT_ONCE = 50_000
SEED = 4


def bench(*, quick: bool = False) -> dict:
    """Measure starts in turn, so that noise meets all."""
    return asyncio.run(_measured(100 if quick else 1, 1 if quick else ROUNDS))


async def _measured(part: int, rounds: int) -> dict:
    kinds = {
        "nothing": (0, 0),
        f"{1_000_000 // part:,} addresses": (1_000_000 // part, 0),
        f"{10_000 // part:,} monitors, each with an event of its own": (0, 10_000 // part),
    }
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    processor: dict[str, list[float]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as name:
        for kind, counts in kinds.items():
            (Path(name) / kind).mkdir()
            await _stored(Path(name) / kind, *counts)
        async with SimulatorServer(SimulatedChain(SEED)) as node:
            # The first one compiles what `pip install` leaves compiled.
            async with _started(Path(name) / "nothing", node.url):
                pass
            for _ in range(rounds):
                for kind in kinds:
                    async with _started(Path(name) / kind, node.url) as (taken, pid):
                        seconds[kind].append(taken)
                        processor[kind].append(_processor_seconds(pid))
    return {
        kind: {
            "to ready": figure(seconds[kind], "s"),
            "processor": figure(processor[kind], "s"),
        }
        for kind in kinds
    }


async def _stored(folder: Path, listed: int, monitors: int) -> None:
    """Make a database with a monitor of so many addresses, or with so many monitors."""
    url = f"sqlite:///{folder}/crypitor.db"
    await migrate(url)

    async def unit(tx: Transaction) -> None:
        await tx.run("insert into projects (id, name, created_at) values ('pr_1', 'bench', 0)")
        await insert_monitor(tx, replace(MONITOR, project_id="pr_1", networks=("dev",)))
        pairs = [(address, None) for address in sorted(addresses(listed, SEED))]
        for first in range(0, listed, AT_ONCE):
            await insert_addresses(tx, MONITOR.id, pairs[first : first + AT_ONCE])
        for number in range(monitors):
            signature = f"event Told{number}(address indexed who, uint256 amount)"
            rule = rule_of(Kind.EVENT, signature=signature, where=f"args.amount > {number}")
            asking = replace(MONITOR, id=f"mo_of_{number}", project_id="pr_1", networks=("dev",))
            await insert_monitor(tx, replace(asking, rules=(rule,)))

    async with Database.open(url) as database:
        await database.write(unit)


@asynccontextmanager
async def _started(folder: Path, node: str) -> AsyncIterator[tuple[float, int]]:
    """Start the service; yield the seconds until it was ready, and its process's id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CRYPITOR_", "PYTHONDONTWRITE"))
        },
        "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode"),
        "CRYPITOR__SERVER__PORT": str(port),
        "CRYPITOR__DATABASE__URL": f"sqlite:///{folder}/crypitor.db",
        "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
        "CRYPITOR__NETWORKS__DEV__RPC": f'["{node}"]',
    }
    began = time.perf_counter()
    with (folder / "service.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crypitor", "run",
            cwd=folder, env=environ, stdout=log, stderr=log,
        )  # fmt: skip
    async with aiohttp.ClientSession() as session:
        while not await _is_ready(session, port):
            assert process.returncode is None, (folder / "service.log").read_text()
            await asyncio.sleep(POLL_SECONDS)
    yield time.perf_counter() - began, process.pid
    process.terminate()
    await process.wait()


async def _is_ready(session: aiohttp.ClientSession, port: int) -> bool:
    with suppress(aiohttp.ClientError):
        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    return False


def _processor_seconds(pid: int) -> float:
    """Return what a process has taken of the processor since its start, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
