"""Backup and restore as an operator does them, beside the running service and after it."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from crypitor.database.copying import prove
from crypitor.database.engine import Database
from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import DatabaseUnavailable
from crypitor.process.backups import HOUR_MS, Backups, made_at, name_of
from tests.forked import ForkedService
from tests.patience import HANG_SECONDS
from tests.rig import heard, until_all_is_sent
from tests.schemas import ALL, make_database
from tests.test_crash import CONFIRMATIONS, ask
from tests.test_service import settings

NOON = 1_796_040_000_000


async def command(service, *words):
    """Run a command beside the service; return its exit status and what it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crypitor", *words, cwd=service.folder, env=service.environ,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), HANG_SECONDS)
    return process.returncode, said.decode()


async def test_a_backup_beside_the_service_is_restored(tmp_path):
    """
    What was matched since is matched and told again under the same ids; the owner is not disturbed,
    and not restored under; cursors of before are refused.
    """
    chain, secrets = SimulatedChain(7), []
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        confirmations = {"CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": str(CONFIRMATIONS)}
        service = ForkedService(tmp_path, settings(node.url) | confirmations)
        await service.start()
        question = await ask(service, chain, receiver, secrets)
        chain.mine(5)
        await service.until_tip("dev", chain.head.number)
        copied = await command(service, "backup", "copy.db")
        at_copy = chain.head.number
        chain.mine(5)
        await service.until_tip("dev", chain.head.number)
        await until_all_is_sent(service, receiver)
        before = {one.id for one in receiver.received}
        cursor = (await service.get("/v1/matches?order=asc"))["next_cursor"]
        refused = await command(service, "restore", "copy.db")
        await service.until_ready()
        await service.stop()
        count = len(receiver.received)
        restored = await command(service, "restore", "copy.db")
        await service.start()
        chain.mine(1)
        await service.until_tip("dev", chain.head.number)
        await until_all_is_sent(service, receiver)
        async with service.api() as api, api.get(f"/v1/matches?cursor={cursor}") as answer:
            given_before = answer.status
        found = audit(chain, [question], heard(receiver), chain.head.number)
        await service.stop()

    assert copied[0] == 0
    assert "whole" in copied[1]
    assert refused[0] == 1
    assert "stop that first" in refused[1]
    assert restored[0] == 0, restored[1]
    assert f"dev: blocks {at_copy + 1} to {at_copy + 5} are matched again" in restored[1]
    assert given_before == 410
    told_anew = "another body in a repetition"  # of another time
    assert [problem for problem in found.problems if not problem.startswith(told_anew)] == []
    again = [one.id for one in receiver.received[count:]]
    assert {*again} & before


async def test_run_brings_an_early_database_up_and_keeps_a_copy(tmp_path):
    """By `run`, with what was in it to be read over the API."""
    make_database(tmp_path / "crypitor.db", ALL[0])
    async with SimulatorServer(SimulatedChain(7)) as node:
        forever = {
            f"CRYPITOR__RETENTION__{what}_DAYS": "forever"
            for what in ("ATTEMPTS", "BODIES", "DELIVERIES", "MATCHES")
        }
        service = ForkedService(tmp_path, settings(node.url) | forever)
        await service.start()
        names = [one["name"] for one in (await service.get("/v1/monitors"))["data"]]
        matches = (await service.get("/v1/matches?limit=1000"))["data"]
        await service.stop()

    with closing(sqlite3.connect(tmp_path / f"crypitor.db-schema-{ALL[0]}")) as copied:
        stored = copied.execute("select count(*) from matches").fetchone()
    assert {"Treasury", "Unheard"} <= {*names}
    assert (len(matches),) == stored
    assert service.log.read_text().count("schema brought up to date") == 1


def test_a_folder_that_is_not_there_is_not_made(tmp_path, migrated_sqlite):
    """The disk that it is on may not be mounted: the copy would fill another."""
    (tmp_path / "crypitor.db").write_bytes(migrated_sqlite.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "crypitor", "backup", "nowhere/copy.db"],
        cwd=tmp_path, env=os.environ | {"CRYPITOR__DATABASE__URL": "sqlite:///crypitor.db"},
        capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "there is no folder nowhere" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["crypitor.db"]


async def test_a_schedule_makes_copies_and_tells_their_age(tmp_path):
    """The first at once, as there is none; its age is a metric."""
    async with SimulatorServer(SimulatedChain(7)) as node:
        service = ForkedService(tmp_path, settings(node.url) | {"CRYPITOR__BACKUP__HOURS": "24"})
        await service.start()
        async with asyncio.timeout(HANG_SECONDS):
            while not [*(tmp_path / "backups").glob("*.db")]:
                await asyncio.sleep(0.05)
        async with service.api() as api, api.get("/metrics") as answer:
            metrics = await answer.text()
        await service.stop()

    (made,) = (tmp_path / "backups").iterdir()
    assert prove(made)
    assert "crypitor_backup_period_seconds 86400.0" in metrics
    (age,) = (line for line in metrics.splitlines() if line.startswith("crypitor_backup_age_"))
    assert 0 <= float(age.split()[1]) < HANG_SECONDS


@pytest.fixture
async def scheduled(tmp_path, migrated_sqlite):
    """Backups every six hours, of which three are kept, and the clock that they go by."""
    (tmp_path / "crypitor.db").write_bytes(migrated_sqlite.read_bytes())
    now = [NOON]
    backups = Backups(
        tmp_path / "crypitor.db", tmp_path / "copies", hours=6, keep=3, clock=lambda: now[0]
    )
    async with Database.open(f"sqlite:///{tmp_path}/crypitor.db"):
        yield backups, now, tmp_path / "copies"


async def test_a_copy_is_made_when_the_newest_is_too_old(scheduled):
    """Not before; the newest are kept, and files of others are left alone."""
    backups, now, folder = scheduled
    folder.mkdir()
    (folder / "mine.db").touch()
    made = []
    for _ in range(30):
        await backups.step()
        now[0] += HOUR_MS
        made = sorted(path.name for path in folder.iterdir())

    times = [NOON + hours * HOUR_MS for hours in (12, 18, 24)]
    assert made == sorted(["mine.db", *map(name_of, times)])
    assert [made_at(name_of(time)) for time in times] == times
    assert backups.age_seconds() == 6 * 3600


async def test_a_copy_from_the_future_is_no_copy_of_now(scheduled):
    """It was made by a clock that was wrong."""
    backups, now, folder = scheduled
    folder.mkdir()
    (folder / name_of(NOON + 99 * HOUR_MS)).touch()
    await backups.step()

    assert (folder / name_of(now[0])).stat().st_size > 0


async def test_without_any_copy_its_age_is_infinite(scheduled):
    """So that the alarm comes, also where none could ever be made."""
    backups, _, folder = scheduled
    folder.write_text("in the way")

    assert backups.age_seconds() == float("inf")
    with pytest.raises(DatabaseUnavailable, match="copies"):
        await backups.step()
