"""A disk that fills up, and has room again: a file system of its own in memory."""

import asyncio
import os
import subprocess

import msgspec
import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.monitor.models import Kind
from tests.patience import HANG_SECONDS
from tests.rig import Service

pytestmark = pytest.mark.live

SIZE_MB = 48
CHUNK = 64 * 1024
LOOK_SECONDS = 0.1


@pytest.fixture
def disk(tmp_path):
    """A small file system; in CI it has to be there."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(words, capture_output=True).returncode:
        if os.environ.get("CI"):
            pytest.fail("no file system can be mounted here")
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place, leave):
    """Fill the disk but for so many bytes."""
    with (place / "filler").open("ab", buffering=0) as file:
        while True:
            free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
            if free <= leave:
                return
            try:
                file.write(bytes(min(CHUNK, free - leave)))
            except OSError:
                return


async def until(condition):
    async with asyncio.timeout(HANG_SECONDS):
        while not await condition():
            await asyncio.sleep(LOOK_SECONDS)


async def test_nothing_is_lost_when_the_disk_fills_up(disk, tmp_path):
    """The alarm comes first, then what can wait waits; full, nothing more is acknowledged.

    With room again all goes on by itself, and each payment of each block was told once.
    """
    chain = SimulatedChain(11)
    async with SimulatorServer(chain) as node, Receiver(list) as receiver:
        service = Service(
            tmp_path,
            {
                "CRYPITOR__DATABASE__URL": f"sqlite:///{disk}/crypitor.db",
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
                "CRYPITOR__NETWORKS__DEV__START": "0",
            },
        )
        await service.start()
        monitor = await service.post(
            "/v1/monitors",
            {
                "networks": ["dev"], "addresses": "any", "notify": ["detected"],
                "rules": [{"kind": "native", "where": "amount > 0"}],
                "webhook": {"url": receiver.url},
            },
        )  # fmt: skip
        chain.mine(3)
        await service.until_tip("dev", 3)

        async def troubled() -> bool:
            return "disk" in (await service.get("/readyz")).get("troubles", {})

        fill(disk, 2 << 20)
        await until(troubled)
        job = await service.post(
            f"/v1/monitors/{monitor['id']}/backfill",
            {"network": "dev", "from_block": 1, "to_block": 3},
        )
        chain.mine(2)
        await service.until_tip("dev", 5)
        waiting = await service.get(f"/v1/jobs/{job['id']}")

        fill(disk, 0)
        refused = []

        async def full() -> bool:
            chain.mine()
            async with service.api() as api:
                body = {"networks": ["dev"], "name": "x" * 200, "note": "x" * 9000}
                async with api.post("/v1/monitors", json=body) as answer:
                    refused.append(answer.status)
            return refused[-1] == 503

        await until(full)
        made = refused.count(201)
        (disk / "filler").unlink()
        chain.mine(2)
        await service.until_ready()
        await service.until_tip("dev", chain.head.number)
        await service.until_nothing_is_due()
        listed = await service.get("/v1/monitors?limit=1000")

        async def done() -> bool:
            return (await service.get(f"/v1/jobs/{job['id']}"))["status"] == "done"

        await until(done)
        assert await service.stop() == 0

    told = [msgspec.json.decode(one.body)["data"] for one in receiver.received]
    payments = [
        one for block in chain.canonical() for one in chain.truth(block) if one.kind == Kind.NATIVE
    ]
    assert waiting["status"] != "done"
    assert {*refused} <= {201, 503}
    assert len(listed["data"]) == 1 + made
    assert {one["transaction"]["hash"] for one in told} == {
        one.transaction_hash for one in payments
    }
    assert "nearly full" in service.log.read_text()
