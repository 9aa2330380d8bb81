"""`crypitor apply` and `crypitor export` as a user types them, against a running service."""

import asyncio
import sys
from asyncio.subprocess import PIPE

import msgspec

from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.forked import ForkedService
from tests.patience import HANG_SECONDS
from tests.rig import ADMIN_KEY
from tests.test_service import settings


async def crypitor(service, *words, stdin=b"", **environ):
    """Run a command where the service runs; return status and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crypitor", *words,
        cwd=service.folder, env=service.environ | environ, stdin=PIPE, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(stdin), HANG_SECONDS)
    return process.returncode, out.decode(), err.decode()


async def test_a_file_becomes_webhooks(tmp_path):
    """
    Applied to a running service, what it declares is told from the next block on; what is exported
    from it changes nothing.
    """
    chain = SimulatedChain(4)
    async with SimulatorServer(chain) as node, Receiver(list) as receiver:
        service = ForkedService(tmp_path, settings(node.url))
        await service.start()
        addresses = "\n".join(f'  "{actor.address}",' for actor in chain.actors)
        (tmp_path / "all.toml").write_text(
            f'[endpoints.hook]\nurl = "{receiver.url}/hook"\n'
            f'[monitors."All actors"]\nnetworks = ["dev"]\nendpoints = ["hook"]\n'
            f"addresses = [\n{addresses}\n]\n"
        )
        planned = await crypitor(service, "apply", "all.toml", "--dry-run")
        applied = await crypitor(service, "apply", "all.toml")
        chain.mine()
        async with asyncio.timeout(HANG_SECONDS):
            await receiver.until(lambda received: len(received) > 10)
        exported = await crypitor(service, "export")
        piped = await crypitor(service, "apply", "-", "--prune", stdin=exported[1].encode())
        await service.stop()

    assert planned == applied
    assert (applied[0], applied[2]) == (0, "")
    assert applied[1].splitlines()[-1].startswith("2 to create, 0 to change, 0 to delete")
    assert (piped[0], piped[1]) == (0, "0 to create, 0 to change, 0 to delete, 2 unchanged\n")
    told = {msgspec.json.decode(r.body)["data"]["monitor"]["name"] for r in receiver.received}
    assert told == {"All actors"}


async def test_what_goes_wrong_has_its_status(tmp_path):
    """
    2 for a wrong file, 1 for a service that cannot be reached or lets nobody in.
    """
    async with SimulatorServer(SimulatedChain(4)) as node:
        service = ForkedService(tmp_path, settings(node.url))
        await service.start()
        (tmp_path / "bad.json").write_text('{"monitors": {"M": {\n"networks": 3}}}')
        wrong = await crypitor(service, "apply", "bad.json")
        far = {"CRYPITOR_URL": service.url}
        stranger = await crypitor(service, "export", **far)
        guest = await crypitor(service, "export", "--format", "json", CRYPITOR_KEY=ADMIN_KEY, **far)
        await service.stop()
        nobody = await crypitor(service, "export")

    assert (wrong[0], wrong[1]) == (2, "")
    assert "  bad.json:2: monitors.M.networks: this has to be a list" in wrong[2]
    assert (stranger[0], guest[:2]) == (1, (0, "{}\n"))
    assert stranger[2].startswith("crypitor: the service answered 401: ")
    assert (nobody[0], "cannot be reached" in nobody[2]) == (1, True)
    assert ADMIN_KEY not in stranger[2] + nobody[2]
