"""The quick start, pasted: each recipe of the page, block by block, until a webhook is shown."""

import asyncio
import os
import re
import signal
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.mining import keep_mining
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.monitor.models import Kind
from tests.patience import HANG_SECONDS
from tests.ports import free_port

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "quickstart.md").read_text()
BLOCK = re.compile(r"<!-- recipe: (\w+), (\w+) -->\n```sh\n(.*?)```", re.DOTALL)
LOOK_SECONDS = 0.1
BLOCK_SECONDS = 0.3
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"


@asynccontextmanager
async def shell(script, folder, environ):
    """A block in a terminal of its own; what it says is in a file beside it."""
    log = folder / f"log-{free_port()}"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            "bash", "-euc", script, cwd=folder, env=environ, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield process, log
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


def adapted(script, ports, instead):
    """A block with ports of its own, for which the page has no words."""
    for port, free in (*ports.items(), *instead):
        script = script.replace(port, free)
    for command, port in (
        ("crypitor simulate", "8545"),
        ("anvil", "8545"),
        ("crypitor listen", "8090"),
    ):
        script = re.sub(rf"^{command}\b", f"{command} --port {ports[port]}", script)
    return script


async def pasted(recipe, folder, instead=(), **environ):
    """Paste all blocks of a recipe; return the text of what the receiver showed.

    instead: pairs of what stands there, and what this test has in its place.
    """
    ports = {port: str(free_port()) for port in ("8080", "8090", "8545")}
    programs = folder / "bin"
    programs.mkdir()
    (programs / "crypitor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crypitor "$@"\n')
    (programs / "crypitor").chmod(0o755)
    if anvil := os.environ.get("CRYPITOR_TEST_ANVIL"):
        (programs / "anvil").symlink_to(anvil)
    path = f"{programs}:{os.environ['PATH']}"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CRYPITOR_")}
    environ = {
        **clean, "PATH": path, "PYTHONPATH": str(ROOT), "CRYPITOR__SERVER__PORT": ports["8080"], **environ
    }  # fmt: skip
    listening, stays = None, []
    async with AsyncExitStack() as stack:
        for name, how, script in BLOCK.findall(PAGE):
            if name != recipe:
                continue
            pasted_script = adapted(script, ports, instead)
            process, log = await stack.enter_async_context(shell(pasted_script, folder, environ))
            if how == "stays":
                stays.append((process, log))
                listening = log if "listen" in script else listening
                continue
            assert await asyncio.wait_for(process.wait(), HANG_SECONDS) == 0, (
                script, log.read_text(), [each.read_text()[-2000:] for _, each in stays],
            )  # fmt: skip
            if how == "1":
                assert (folder / "config.toml").is_file()
        async with asyncio.timeout(HANG_SECONDS):
            while '"match.confirmed"' not in listening.read_text():
                assert all(process.returncode is None for process, _ in stays)
                await asyncio.sleep(LOOK_SECONDS)
        return listening.read_text()


async def test_the_simulator(tmp_path):
    """A chain of Crypitor's own: detected, and confirmed."""
    told = await pasted("simulator", tmp_path)

    assert "? match.detected" in told
    assert '"kind": "native"' in told


async def test_anvil(tmp_path):
    """A payment on a development chain."""
    told = await pasted("anvil", tmp_path)

    assert '"amount": "1000000000000000000"' in told


async def test_a_node_of_ones_own(tmp_path):
    """Any node: here one that says that it is Ethereum, with a token of its own in place of USDC."""
    chain = SimulatedChain("5", chain_id=1, genesis_time=time.time())
    stop = asyncio.Event()
    async with SimulatorServer(chain) as node, asyncio.TaskGroup() as group:
        group.create_task(keep_mining(chain, node, BLOCK_SECONDS, 0, stop))
        token = next(one.contract for one in chain.mine(1)[0].truth if one.kind == Kind.ERC20)
        instead = [(USDC, token), ("amount >= 10_000 * 10**6", "amount > 0")]
        try:
            told = await pasted("node", tmp_path, instead, NODE=node.url)
        finally:
            stop.set()

    assert '"kind": "erc20"' in told
