"""One owner of a database, as its operator sees it: processes that are started twice and killed."""

import asyncio
import contextlib
import re
import sqlite3
import time

import pytest

from crypitor.development.listen import Behaviour, Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.forked import ForkedService
from tests.test_resume import command

LONG_LEASE = "600"
"""Seconds: longer than any test waits. What comes all the same was not waited for."""


@pytest.fixture
async def node():
    """A simulated chain of five blocks behind its node."""
    chain = SimulatedChain(8)
    chain.mine(5)
    async with SimulatorServer(chain) as server:
        yield server


@pytest.fixture
async def services(tmp_path, node):
    """Make services in folders of their own, on one SQLite file; none outlives the test."""
    made = []

    def service(*roles, **environ):
        folder = tmp_path / f"process-{len(made)}"
        folder.mkdir()
        one = ForkedService(
            folder,
            {
                "CRYPITOR__DATABASE__URL": f"sqlite:///{tmp_path}/crypitor.db",
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
                "CRYPITOR__NETWORKS__DEV__START": "0",
                "CRYPITOR__WEBHOOK__LEASE_SECONDS": LONG_LEASE,
                **environ,
            },
            roles=roles,
        )
        made.append(one)
        return one

    yield service
    for one in made:
        if one.process is not None and one.process.returncode is None:
            await one.kill()


async def ended(service, seconds=60):
    """Wait for the end of a process; return its exit status and what it said."""
    status = await asyncio.wait_for(service.process.wait(), seconds)
    return status, service.log.read_text()


async def start_in_vain(service):
    """Start a service that is to end by itself."""
    await service.start_without_api()
    return await ended(service)


def statement(tmp_path, sql):
    with contextlib.closing(sqlite3.connect(tmp_path / "crypitor.db", timeout=20)) as database:
        rows = database.execute(sql).fetchall()
        database.commit()
        return rows


@pytest.mark.timeout(120)
async def test_a_second_run_ends_and_the_first_goes_on(services, node, tmp_path):
    """With status 2 and who the owner is; it has changed nothing, also by another way there."""
    first = services()
    await first.start()
    await first.until_tip("dev", 5)
    (tmp_path / "link").symlink_to(tmp_path)
    second = services(CRYPITOR__DATABASE__URL=f"sqlite:///{tmp_path}/link/crypitor.db")
    began = time.monotonic()
    status, said = await start_in_vain(second)
    took = time.monotonic() - began
    [[term]] = statement(tmp_path, "select term from networks")
    node.chain.mine(3)
    await first.until_tip("dev", 8)
    network = await first.get("/v1/networks/dev")

    print(f"ended after {took:.1f} s")
    assert status == 2
    pid = first.process._process.pid
    assert re.search(rf"is held by process {pid} on \S+ since 20\S+Z\. .*kill {pid}", said)
    assert "Traceback" not in said
    assert term == 1
    assert (network["state"], network["trouble"]) == ("following", None)
    assert await first.stop() == 0


@pytest.mark.timeout(120)
async def test_after_kill_9_the_next_one_owns_it_at_once(services, tmp_path):
    """Again and again; nobody has to clear anything away."""
    for _ in range(3):
        service = services()
        await service.start()
        await service.until_tip("dev", 5)
        await service.kill()


@pytest.mark.timeout(120)
async def test_commands_work_beside_the_owner(services, tmp_path):
    """Those that an operator gives while the service runs."""
    owner = services()
    await owner.start()
    await owner.until_tip("dev", 5)
    file = owner.folder / "monitors.toml"
    file.write_text("")
    words = [
        ("key", "create", "--name", "x"), ("key", "list"), ("queue", "dead", "list"),
        ("export",), ("apply", str(file)), ("migrate",), ("check",),
        ("network", "resume", "dev", "--from-block", "3"),
    ]  # fmt: skip
    done = await asyncio.gather(*(command(owner, *each) for each in words))
    await owner.until_tip("dev", 5)

    assert {each[:2]: status for each, (status, _) in zip(words, done, strict=True)} == {
        each[:2]: 0 for each in words
    }, done
    assert await owner.stop() == 0


@pytest.mark.timeout(120)
async def test_who_lost_the_lead_ends(services, tmp_path):
    """Whatever took it: with status 1, in place of "following" with nothing that is matched."""
    service = services()
    await service.start()
    await service.until_tip("dev", 5)
    statement(tmp_path, "update networks set term = term + 1")
    began = time.monotonic()
    status, said = await ended(service)

    print(f"noticed after {time.monotonic() - began:.1f} s")
    assert status == 1
    assert "another process leads dev now" in said
    assert "Traceback" not in said


async def watch(service, chain, url):
    """Watch busy actors, and return the monitor."""
    return await service.post(
        "/v1/monitors",
        {
            "name": "Treasury", "networks": ["dev"],
            "addresses": [actor.address for actor in chain.actors[:5]], "webhook": {"url": url},
        },
    )  # fmt: skip


async def until_in_flight(tmp_path):
    """Wait until something is claimed."""
    async with asyncio.timeout(60):
        while not statement(tmp_path, "select 1 from deliveries where claimed_by is not null"):
            await asyncio.sleep(0.05)


@pytest.mark.timeout(120)
async def test_what_was_in_flight_at_kill_9_is_sent_at_the_start(services, node, tmp_path):
    """Not when its lease ends; each with the id and the body that it had."""
    environ = {"CRYPITOR__WEBHOOK__TIMEOUT_SECONDS": "500"}
    behaviour, secrets = Behaviour(hang=True), []
    async with Receiver(lambda: secrets, behaviour=behaviour) as receiver:
        first = services(**environ)
        await first.start()
        await first.until_tip("dev", 5)
        monitor = await watch(first, node.chain, f"{receiver.url}/hook")
        secrets.append(monitor["webhook"]["secret"])
        node.chain.mine(2)
        await until_in_flight(tmp_path)
        await first.kill()
        claimed = {
            row[0] for row in statement(
                tmp_path, "select id from deliveries where claimed_by is not null"
            )
        }  # fmt: skip
        port = int(receiver.url.rsplit(":", 1)[1])
    async with Receiver(lambda: secrets, port=port) as receiver:
        second = services(**environ)
        await second.start()
        await second.until_nothing_is_due()
        arrived = {received.id for received in receiver.received}
        assert all(received.verified for received in receiver.received)
    left = statement(tmp_path, "select 1 from deliveries where claimed_by is not null")

    assert claimed
    assert claimed <= arrived
    assert left == []


@pytest.mark.timeout(120)
async def test_another_sender_takes_over_what_a_dead_one_had(services, node, tmp_path):
    """Two senders beside each other: the one that lives ends the other's claims alone."""
    environ = {"CRYPITOR__WEBHOOK__TIMEOUT_SECONDS": "500"}
    secrets = []
    owner = services("api", "worker", "monitor", **environ)
    sender = services("webhook", **environ)
    async with Receiver(lambda: secrets, behaviour=Behaviour(hang=True)) as receiver:
        await owner.start()
        await owner.until_tip("dev", 5)
        await sender.start()
        monitor = await watch(owner, node.chain, f"{receiver.url}/hook")
        secrets.append(monitor["webhook"]["secret"])
        node.chain.mine(2)
        await until_in_flight(tmp_path)
        other = services("webhook", **environ)
        await other.start()
        await sender.kill()
        port = int(receiver.url.rsplit(":", 1)[1])
    async with Receiver(lambda: secrets, port=port) as receiver:
        await owner.until_nothing_is_due()
        arrived = len(receiver.received)

    assert arrived > 0
    assert await other.stop() == 0
    assert await owner.stop() == 0
