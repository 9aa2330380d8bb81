"""The service with a clock that is set back and forward while it runs, and processes that differ."""

import asyncio
import json
import shutil
import signal
from pathlib import Path

import pytest

from crypitor.development.listen import Behaviour, Receiver
from crypitor.development.simulator.audit import Heard, audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.conftest import postgres_database
from tests.live.kafka.broker import Broker
from tests.patience import HANG_SECONDS
from tests.rig import Service
from tests.test_crash import CONFIRMATIONS, ask
from tests.webhook.receivers import verify

pytestmark = pytest.mark.live


def libfaketime() -> str:
    """Return the library that shows a program another time."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    assert found, "libfaketime is not installed: apt-get install faketime"
    return str(found[0])


class Shifted:
    """A service whose clock is shifted against this machine's, as a file says.

    Its monotonic clock goes on by itself, as the system's does.
    """

    def __init__(self, folder: Path, settings: dict[str, str], roles=(), shift="+0") -> None:
        folder.mkdir(exist_ok=True)
        self._file = folder / "shift"
        self.shift(shift)
        faked = {
            "LD_PRELOAD": libfaketime(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # 0.9.10 would let threads wait for Python's lock by a clock that is not theirs.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }
        self.service = Service(folder, {**settings, **faked}, roles)

    def shift(self, by: str) -> None:
        """Set the clock: `-1h`, `+1d` against this machine's. It is read with each look at it."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{by}\n")
        written.replace(self._file)


def settings_of(node, **more) -> dict[str, str]:
    return {
        "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
        "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
        "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS),
        "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.1",
        "CRYPITOR__NETWORKS__DEV__START": "0",
        "CRYPITOR__RETENTION__ATTEMPTS_DAYS": "1",
        "CRYPITOR__RETENTION__BODIES_DAYS": "1",
        **more,
    }


def told(receiver, secrets) -> list[Heard]:
    """Return what a receiver was told; every signature has to be right, whatever time it names."""
    for one in receiver.received:
        verify(secrets[0], one.body, one.headers)
    return [Heard(one.id, one.body, json.loads(one.body)) for one in receiver.received]


@pytest.mark.timeout(240)
async def test_a_clock_that_is_set_while_the_service_runs(tmp_path):
    """
    Back by an hour, forward by a day, and right again: every block is told within seconds, nothing
    is removed before its time, and the process is well throughout.
    """
    chain, secrets = SimulatedChain(8, transfers=(5, 10)), []
    chain.mine(3)
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        shifted = Shifted(tmp_path / "one", settings_of(node))
        service = shifted.service
        await service.start()
        await service.until_tip("dev", 3)
        question = await ask(service, chain, receiver, secrets)
        for by in ("-1h", "+1d", "+0"):
            shifted.shift(by)
            for _ in range(4):
                chain.mine()
                await service.until_tip("dev", chain.head.number, seconds=20)
            await service.until_nothing_is_due(seconds=20)
            await service.until_ready(200, seconds=10)
        deliveries = (await service.get("/v1/deliveries?limit=1000"))["data"]
        attempts = [
            (await service.get(f"/v1/deliveries/{one['id']}"))["attempts"]
            for one in deliveries[:40]
        ]
        assert await service.stop() == 0

    found = audit(chain, [question], told(receiver, secrets), chain.head.number)
    assert found.problems == []
    assert found.expected > 0
    assert all(attempts)
    assert "Traceback" not in service.log.read_text()


@pytest.mark.timeout(240)
async def test_a_machine_that_was_suspended_for_ten_minutes(tmp_path):
    """
    Its clock has gone on and nothing else: what was waiting goes on within seconds, a retry that was
    to come is made, and nothing is lost, though the chain went on meanwhile.
    """
    chain, secrets = SimulatedChain(8, transfers=(5, 10)), []
    chain.mine(3)
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        settings = settings_of(node, CRYPITOR__WEBHOOK__SCHEDULE_SECONDS="[300, 300]")
        shifted = Shifted(tmp_path / "one", settings)
        service = shifted.service
        await service.start()
        await service.until_tip("dev", 3)
        question = await ask(service, chain, receiver, secrets)
        receiver.behaviour = Behaviour(status=503)
        chain.mine(2)
        await service.until_tip("dev", chain.head.number)
        async with asyncio.timeout(HANG_SECONDS):
            while not receiver.received:
                await asyncio.sleep(0.05)
        service.process.send_signal(signal.SIGSTOP)
        shifted.shift("+10m")
        chain.mine(20)
        receiver.behaviour = Behaviour()
        service.process.send_signal(signal.SIGCONT)
        await service.until_tip("dev", chain.head.number, seconds=60)
        await service.until_ready(200, seconds=60)
        await service.until_nothing_is_due(seconds=60)
        assert await service.stop() == 0

    found = audit(chain, [question], told(receiver, secrets), chain.head.number)
    assert found.problems == []
    assert found.expected > 0
    assert "Traceback" not in service.log.read_text()


@pytest.mark.timeout(300)
async def test_processes_whose_clocks_differ_by_five_minutes(tmp_path, kafka: Broker, prefix: str):
    """
    API, worker with monitor, and two senders beside PostgreSQL and Kafka: what is matched is sent
    within seconds, once, and asked for by its real time.
    """
    chain, secrets = SimulatedChain(9, transfers=(5, 10)), []
    chain.mine(3)
    async with (
        postgres_database() as url,
        SimulatorServer(chain) as node,
        Receiver(lambda: secrets) as receiver,
    ):
        settings = settings_of(
            node,
            CRYPITOR__DATABASE__URL=url,
            CRYPITOR__QUEUE__KIND="kafka",
            CRYPITOR__QUEUE__BOOTSTRAP_SERVERS=json.dumps(kafka.servers),
            CRYPITOR__QUEUE__TOPIC_PREFIX=prefix,
        )
        shifts = {
            "api": (["api"], "+5m"),
            "chain": (["worker", "monitor"], "+0"),
            "early": (["webhook"], "-5m"),
            "late": (["webhook"], "+5m"),
        }
        all_of_them = [
            Shifted(tmp_path / name, settings, roles, shift)
            for name, (roles, shift) in shifts.items()
        ]
        api = all_of_them[0].service
        await api.start()
        await asyncio.gather(*(one.service.start() for one in all_of_them[1:]))
        await api.until_tip("dev", 3, seconds=60)
        question = await ask(api, chain, receiver, secrets)
        chain.mine(8)
        await api.until_tip("dev", chain.head.number, seconds=30)
        await api.until_nothing_is_due(seconds=30)
        async with api.api() as http, http.get("/readyz") as answer:
            ready = answer.status, await answer.json()
        for one in all_of_them:
            assert await one.service.stop() == 0

    found = audit(chain, [question], told(receiver, secrets), chain.head.number)
    ids = [received.id for received in receiver.received]
    assert found.problems == []
    assert found.expected > 0
    assert len(ids) == len(set(ids))
    assert ready[0] == 200
    assert "degraded" not in ready[1]


def test_the_library_is_there():
    """Without it, nothing above would be shown."""
    assert shutil.which("faketime")
