"""The example receivers, called by the service's own sender."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest

from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.formats import Form
from crypitor.webhook.post import Poster
from tests.patience import HANG_SECONDS
from tests.ports import free_port
from tests.webhook.matched import DATA, body_of
from tests.webhook.receivers import SECRET

EXAMPLES = Path(__file__).parents[2] / "examples"
LOOK_SECONDS = 0.05


def needs(program):
    """In CI nothing is left out."""
    absent = shutil.which(program) is None and not os.environ.get("CI")
    return pytest.mark.skipif(absent, reason=f"{program} is not installed")


def python_words(_folder):
    return [sys.executable, EXAMPLES / "python" / "receiver.py"]


def node_words(_folder):
    return ["node", EXAMPLES / "node" / "receiver.mjs"]


def go_words(folder):
    words = ["go", "build", "-o", folder / "receiver", "."]
    subprocess.run(
        words, cwd=EXAMPLES / "go", check=True, env={**os.environ, "GOFLAGS": "-mod=mod"}
    )
    return [folder / "receiver"]


RECEIVERS = [
    pytest.param(python_words, id="python"),
    pytest.param(node_words, id="node", marks=needs("node")),
    pytest.param(go_words, id="go", marks=needs("go")),
]


class Running:
    """A receiver, as the service calls it."""

    def __init__(self, url, store):
        self.endpoint = Endpoint("ep_1", "pr_1", url, SECRET)
        self.store = store

    async def post(self, webhook_id, phase, at=1_795_359_600_000, endpoint=None, **more):
        """Return the status of the answer. at: unix milliseconds of the phase."""
        body = json.loads(body_of(Form("standard"), phase, **more))
        moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at // 1000))
        text = json.dumps({**body, "timestamp": moment}).encode()
        async with Poster(
            allow_private=[ip_network("127.0.0.0/8")], deadline_seconds=HANG_SECONDS / 3
        ) as poster:
            outcome = await poster.post(
                endpoint or self.endpoint, webhook_id, text, int(time.time() * 1000)
            )
        return outcome.status_code

    def deposits(self):
        """Return what is stored: match → (address, amount, symbol, state)."""
        if self.store.suffix == ".db":
            with sqlite3.connect(self.store) as database:
                rows = database.execute(
                    "select match_id, address, amount, symbol, state from deposits"
                )
                return {row[0]: row[1:] for row in rows}
        stored = json.loads(self.store.read_text()) if self.store.exists() else {"deposits": {}}
        return {
            match: (kept["address"], kept["amount"], kept["symbol"], kept["state"])
            for match, kept in stored["deposits"].items()
        }


@asynccontextmanager
async def running(words, folder):
    """Start a receiver and wait until it answers; what it stores is in the folder."""
    words_here, port = words(folder), free_port()
    store = folder / ("deposits.db" if words is python_words else "deposits.json")
    environ = {
        **os.environ,
        "CRYPITOR_SECRET": SECRET,
        "PORT": str(port),
        "STORE": str(store),
        "PYTHONPATH": str(EXAMPLES.parent),
    }
    process = await asyncio.create_subprocess_exec(*words_here, env=environ, cwd=folder)
    url = f"http://127.0.0.1:{port}/"
    try:
        async with asyncio.timeout(HANG_SECONDS), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(url):
                        break
                except aiohttp.ClientError:
                    assert process.returncode is None
                    await asyncio.sleep(LOOK_SECONDS)
        yield Running(url, store)
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("words", RECEIVERS)
async def test_receiver_takes_each_webhook_once_in_its_phases(words, tmp_path):
    """
    What is signed is taken, what is not is refused; one id is taken once, also after a restart; the
    phase that was told last counts.
    """
    stranger = Endpoint("ep_1", "pr_1", "", "whsec_" + "A" * 32)
    kept = (DATA["address"], "123100", "USDC")
    async with running(words, tmp_path) as receiver:
        wrong = replace(stranger, url=receiver.endpoint.url)
        assert await receiver.post("de_0", Phase.DETECTED, endpoint=wrong) == 401
        assert receiver.deposits() == {}
        assert await receiver.post("de_1", Phase.DETECTED) == 204
        assert receiver.deposits() == {"ma_1": (*kept, "pending")}
        assert await receiver.post("de_2", Phase.CONFIRMED, 1_795_359_700_000) == 204
        assert receiver.deposits() == {"ma_1": (*kept, "credited")}
    async with running(words, tmp_path) as receiver:
        assert await receiver.post("de_1", Phase.DETECTED, 1_795_359_900_000) == 204
        assert await receiver.post("de_9", Phase.DETECTED) == 204
        assert receiver.deposits() == {"ma_1": (*kept, "credited")}
        assert await receiver.post("de_3", Phase.REVERTED, 1_795_359_800_000) == 204
        assert receiver.deposits() == {"ma_1": (*kept, "void")}
        assert await receiver.post("de_4", Phase.DETECTED, id="ma_2", contract=None) == 204
        assert receiver.deposits()["ma_2"] == (*kept[:2], None, "pending")
