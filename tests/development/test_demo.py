"""`crypitor demo`, as a newcomer runs it, on both queues."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.mock_kafka import mock_kafka
from tests.patience import HANG_SECONDS
from tests.ports import free_port

SUMMARY = re.compile(r"(\d+) webhooks in .* 0 with a wrong signature, 0 missing or wrong")
MISSING = re.compile(r" 0 with a wrong signature, [1-9]\d* missing or wrong")
QUICK = 5
"""An end that waits for nothing takes less than so many starts; on a quick machine, two seconds."""
BUSY = "5"
"""A seed whose first three blocks give 24 webhooks; others give from 2 to 24."""


@asynccontextmanager
async def demo(folder, *arguments, **environ):
    """Run the demo in an empty folder; it is gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crypitor", "demo", *arguments,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "CRYPITOR__SERVER__PORT": str(free_port()), **environ},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_demo_in_memory(tmp_path):
    """
    It ends by itself with status 0 and says that everything arrived, and leaves nothing behind;
    also beside another one that wants the same port.
    """
    port = {"CRYPITOR__SERVER__PORT": str(free_port())}
    words = ("--seconds", "3", "--seed", BUSY)
    async with demo(tmp_path, *words, **port) as one, demo(tmp_path, *words, **port) as other:
        ended = asyncio.gather(one.communicate(), other.communicate())
        outputs = [output.decode() for output, _ in await asyncio.wait_for(ended, HANG_SECONDS)]

    for process, output in zip((one, other), outputs, strict=True):
        assert process.returncode == 0, output
        assert int(SUMMARY.search(output)[1]) > 5
    assert len({re.search(r"dashboard +(\S+)", output)[1] for output in outputs}) == 2
    assert list(tmp_path.iterdir()) == []


async def test_its_key_can_be_copied_from_a_narrow_terminal(tmp_path):
    """
    It stands whole in one line, and opens the API; the browser is shown the dashboard.
    """
    port, opened = free_port(), tmp_path / "opened"
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    program.chmod(0o700)
    environ = {
        "COLUMNS": "60", "CRYPITOR__SERVER__PORT": str(port), "BROWSER": f"{program} %s",
    }  # fmt: skip
    async with demo(tmp_path, "--open", **environ) as process, aiohttp.ClientSession() as client:
        key = None
        while key is None:
            line = await asyncio.wait_for(process.stdout.readline(), HANG_SECONDS)
            key = re.fullmatch(r" *key +(\S+)", line.decode().rstrip())
        authorization = {"Authorization": f"Bearer {key[1]}"}
        url = f"http://127.0.0.1:{port}/v1/networks"
        async with client.get(url, headers=authorization) as answer:
            assert answer.status == 200
        async with asyncio.timeout(HANG_SECONDS):
            while not opened.exists() or not opened.read_text():
                await asyncio.sleep(0.01)

    assert opened.read_text().strip() == f"http://127.0.0.1:{port}/"


async def test_demo_through_kafka(tmp_path):
    """
    The same over a broker.
    """
    with mock_kafka() as brokers:
        servers = {"CRYPITOR__QUEUE__BOOTSTRAP_SERVERS": json.dumps(brokers.servers)}
        words = ("--seconds", "3", "--seed", BUSY, "--queue", "kafka")
        async with demo(tmp_path, *words, **servers) as process:
            output = (await asyncio.wait_for(process.communicate(), HANG_SECONDS))[0].decode()

    assert process.returncode == 0, output
    assert int(SUMMARY.search(output)[1]) > 5


async def until_it_is_ours(pid):
    """
    Wait until Python has begun, which answers Ctrl-C with a traceback, and the program's first line
    has put an end to that. Then it is within its imports.
    """
    status = Path(f"/proc/{pid}/status")
    wanted = [True, False]  # whether Ctrl-C is caught
    async with asyncio.timeout(HANG_SECONDS):
        while wanted:
            caught = int(re.search(r"SigCgt:\s+(\w+)", status.read_text())[1], 16)
            if bool(caught >> (signal.SIGINT - 1) & 1) is wanted[0]:
                del wanted[0]
            else:
                await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("lines", "statuses"),
    [
        pytest.param(0, {0, 130, -signal.SIGINT}, id="starting"),
        pytest.param(1, {0}, id="before its first block"),
        pytest.param(8, {0}, id="running"),
    ],
)
async def test_ctrl_c_ends_it_within_two_seconds(tmp_path, lines, statuses):
    """
    Ctrl-C ends it cleanly, while it starts as well as with webhooks on their way.
    """
    started, starting = time.monotonic(), HANG_SECONDS
    async with demo(tmp_path) as process:
        for line in range(lines):
            await asyncio.wait_for(process.stdout.readline(), HANG_SECONDS)
            starting = time.monotonic() - started if line == 0 else starting
        if not lines:
            await until_it_is_ours(process.pid)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        output = (await asyncio.wait_for(process.communicate(), HANG_SECONDS))[0].decode()
        ended = time.monotonic() - began

    assert ended < QUICK * starting, output
    assert "Traceback" not in output
    told = MISSING.search(output)  # within the second that an interrupted demo waits for them
    assert process.returncode in (statuses if told is None else {1}), output
