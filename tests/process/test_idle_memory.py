"""What a service that waits for blocks has in memory: no package that it has no use for."""

import asyncio
import json
import re
import sys

import pytest

from crypitor.database.apart import migrate_apart
from crypitor.database.migrate import pending
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import ConfigError, Unavailable
from tests.rig import Service

UNUSED = {
    "aiokafka", "alembic", "asyncpg", "coincurve", "cryptography", "eth_abi", "eth_account", "greenlet", "jinja2", "mako",
    "numpy", "py_ecc", "requests", "rich", "web3",
}  # fmt: skip
NEEDED = {"aiohttp", "crypitor", "msgspec", "pydantic", "structlog", "websockets"}

PROGRAM = """
import atexit, json, sys

@atexit.register
def tell():
    names = {name.partition(".")[0] for name in sys.modules}
    print("MODULES", json.dumps(sorted(names)), flush=True)

from crypitor.cli import main
sys.argv = ["crypitor", "run"]
main()
"""


class TellingService(Service):
    """`crypitor run` that says at its end what it has imported."""

    async def _begin(self, words):
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-c", PROGRAM,
                cwd=self.folder, env=self.environ, stdout=log, stderr=log,
            )  # fmt: skip


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_what_is_not_used_is_not_imported(tmp_path, scheme):
    """Also where this start made the schema: neither what it migrates with nor what is optional."""
    chain = SimulatedChain(1)
    chain.mine(3)
    async with SimulatorServer(chain) as node:
        settings = {
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
            "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url.replace("http", scheme, 1)}"]',
            "CRYPITOR__NETWORKS__DEV__START": "1",
        }
        service = TellingService(tmp_path, settings, migrated=False)
        await service.start()
        await service.until_tip("dev", 3)
        status = await service.stop()

    said = service.log.read_text()
    modules = set(json.loads(re.search(r"^MODULES (.*)$", said, re.MULTILINE)[1]))
    assert (status, modules & UNUSED, NEEDED - modules) == (0, set(), set())


async def test_what_another_process_migrates_is_the_newest_schema(tmp_path):
    """It tells what it applied; a second time there is nothing to do."""
    url = f"sqlite:///{tmp_path}/folder/crypitor.db"
    program = (
        "import asyncio, json, sys; from crypitor.database.apart import migrate_apart;"
        f"print(json.dumps([asyncio.run(migrate_apart('{url}')), 'alembic' in sys.modules]))"
    )
    told = await _said(program)

    assert (sorted(told[0]), told[0][0], told[1]) == (told[0], "0001", False)
    assert (await pending(url), await migrate_apart(url)) == (False, [])


async def test_what_fails_there_is_told_as_it_is_here(tmp_path):
    """A place where no database can be is the same mistake as without the other process."""
    (tmp_path / "crypitor.db").mkdir()

    with pytest.raises((ConfigError, Unavailable), match=r"crypitor\.db"):
        await migrate_apart(f"sqlite:///{tmp_path}/crypitor.db")


async def _said(program):
    ran = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await ran.communicate()
    return json.loads(out)
