"""The configuration changed without a restart: by SIGHUP and over the API."""

import asyncio
import contextlib
import signal

import aiohttp
import pytest

from crypitor.config import load
from crypitor.config.changes import applied, changed_keys, wants_restart
from crypitor.development.listen import Receiver
from crypitor.development.simulator.audit import audit
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.runtime.log import Levels
from tests.forked import ForkedService
from tests.patience import HANG_SECONDS
from tests.rig import heard, until_all_is_sent
from tests.test_backup import command
from tests.test_crash import CONFIRMATIONS, ask

DEV = """
[networks.dev]
chain_id = 1337
rpc = ["{url}"]
poll_seconds = 0.05
confirmations = 4
"""


class Written(ForkedService):
    """A service whose networks are in a file."""

    def __init__(self, folder, text):
        self.file = folder / "config.toml"
        self.file.write_text(text)
        super().__init__(folder, {"CRYPITOR_CONFIG": str(self.file)})

    async def reload(self):
        """Ask for it over the API; return status and answer."""
        async with self.api() as api, api.post("/v1/reload") as answer:
            return answer.status, await answer.json()

    async def until_taken(self, times=1):
        async with asyncio.timeout(HANG_SECONDS):
            while self.log.read_text().count('"configuration taken"') < times:
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(folder, text):
    service = Written(folder, text)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def test_a_hangup_adds_and_removes_networks(tmp_path):
    """In the process that there is, which answers all the time: who connects waits for a moment."""
    one, two = SimulatedChain(7), SimulatedChain(8, chain_id=7777)
    other = DEV.replace("dev", "other").replace("1337", "7777")
    async with SimulatorServer(one) as node, SimulatorServer(two) as second:
        first_text, second_text = DEV.format(url=node.url), other.format(url=second.url)
        async with running(tmp_path, first_text) as service:
            done, failed, answered = asyncio.Event(), [], 0

            async def keep_asking():
                nonlocal answered
                while not done.is_set():
                    try:
                        async with aiohttp.request("GET", f"{service.url}/healthz") as answer:
                            answered += answer.status == 200
                    except aiohttp.ServerDisconnectedError:
                        pass  # its connection was the last of the life before
                    except aiohttp.ClientError as error:
                        failed.append(error)

            asking = asyncio.create_task(keep_asking())
            service.file.write_text(first_text + second_text)
            service.process.send_signal(signal.SIGHUP)
            await service.until_taken()
            two.mine(3)
            await service.until_tip("other", two.head.number)
            service.file.write_text(second_text)
            service.process.send_signal(signal.SIGHUP)
            await service.until_taken(2)
            networks = [found["name"] for found in (await service.get("/v1/networks"))["data"]]
            done.set()
            await asking
            assert service.process.returncode is None

    assert networks == ["other"]
    assert (failed, answered > 0) == ([], True)


async def test_nothing_is_lost_by_reloads_among_blocks(tmp_path):
    """Each match is told, in all its phases, by whichever life of the roles."""
    chain, secrets = SimulatedChain(7), []
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        text = DEV.format(url=node.url)
        async with running(tmp_path, text) as service:
            question = await ask(service, chain, receiver, secrets)
            for times in range(1, 5):
                chain.mine(3)
                service.file.write_text(f"{text}window = {times}\n")
                status, told = await service.reload()
                assert (status, told) == (
                    200, {"changed": ["networks.dev.window"], "restart": []},
                )  # fmt: skip
                await service.until_taken(times)
            chain.mine(CONFIRMATIONS)
            await service.until_tip("dev", chain.head.number)
            await until_all_is_sent(service, receiver)
            found = audit(chain, [question], heard(receiver), chain.head.number)

    assert found.problems == []
    assert found.webhooks > 0


async def test_mistakes_change_nothing_and_are_all_told(tmp_path):
    """Also one that only the database knows: another chain under a known name."""
    chain = SimulatedChain(7)
    async with SimulatorServer(chain) as node:
        text = DEV.format(url=node.url)
        async with running(tmp_path, text) as service:
            chain.mine(1)
            await service.until_tip("dev", chain.head.number)
            service.file.write_text(text + 'windw = 4\nverify = "nothing"\n[log]\nlevel = "loud"\n')
            several = await service.reload()
            service.file.write_text(text.replace("1337", "1338"))
            another_chain = await service.reload()
            service.file.write_text("[networks]")
            no_network = await service.reload()
            service.process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(HANG_SECONDS):
                while "configuration not taken" not in service.log.read_text():
                    await asyncio.sleep(0.02)
            chain.mine(1)
            await service.until_tip("dev", chain.head.number)
            service.file.write_text(text)
            unchanged = await service.reload()

    assert several[0] == another_chain[0] == no_network[0] == 400
    pointers = {one["pointer"] for one in several[1]["errors"]}
    assert pointers == {"/networks/dev/windw", "/networks/dev/verify", "/log/level"}
    assert [one["pointer"] for one in another_chain[1]["errors"]] == ["/networks/dev/chain_id"]
    assert unchanged == (200, {"changed": [], "restart": []})
    assert "configuration taken" not in service.log.read_text()


async def test_what_needs_a_restart_is_named_and_the_rest_is_taken(tmp_path):
    """Both at once, and the process is ready afterwards."""
    async with SimulatorServer(SimulatedChain(7)) as node:
        text = DEV.format(url=node.url)
        async with running(tmp_path, text) as service:
            more = "[database]\nconnections = 7\n[webhook]\nin_flight = 50\n[backup]\nkeep = 3\n"
            service.file.write_text(text + more)
            status, told = await service.reload()
            await service.until_taken()
            await service.until_ready()

    assert status == 200
    assert told["restart"] == ["database.connections"]
    assert {*told["changed"]} == {"webhook.in_flight", "backup.keep"}


async def test_only_an_operator_reloads(tmp_path):
    """Not a key that may change a project's own things."""
    async with (
        SimulatorServer(SimulatedChain(7)) as node,
        running(tmp_path, DEV.format(url=node.url)) as service,
    ):
        key = await service.post("/v1/keys", {"name": "writer", "scope": "write"})
        headers = {"Authorization": f"Bearer {key['secret']}"}
        url = f"{service.url}/v1/reload"
        async with aiohttp.request("POST", url, headers=headers) as answer:
            status = answer.status

    assert status == 403


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("server.port", "1"), ("database.url", "sqlite:///other.db"), ("queue.partitions", "3"),
        ("api.admin_key", "another-key-of-some-length"), ("log.format", "json"),
    ],
)  # fmt: skip
def test_what_was_opened_at_the_start_stays(key, value):
    """It is named, and what is in force has it as it was."""
    old = load(None, {})
    new = load(None, {"CRYPITOR__" + key.upper().replace(".", "__"): value})

    assert changed_keys(old, new) == [key]
    assert wants_restart(key)
    assert applied(old, new) == old


def test_a_network_is_one_change_and_a_key_of_it_another():
    """So that an operator sees what he did."""
    one = {"CRYPITOR__NETWORKS__ETHEREUM__RPC": "https://a.example"}
    two = {**one, "CRYPITOR__NETWORKS__BASE__RPC": "https://b.example"}
    three = {**two, "CRYPITOR__NETWORKS__BASE__WINDOW": "5"}
    before, added, changed = (load(None, environ) for environ in (one, two, three))

    assert changed_keys(before, added) == ["networks.base"]
    assert changed_keys(added, changed) == ["networks.base.window"]
    assert changed_keys(changed, before) == ["networks.base"]


async def test_the_level_of_the_log_changes_while_it_runs(tmp_path):
    """Of one module or of all, by the command; a reload takes it back to the configured one."""
    async with SimulatorServer(SimulatedChain(7)) as node:
        text = DEV.format(url=node.url)
        async with running(tmp_path, text) as service:
            quiet = await command(service, "log-level", "error")
            await service.reload()  # changes nothing, and would say so
            silent = service.log.read_text().count("configuration read again")
            one = await command(service, "log-level", "info", "--module", "process.reloading")
            await service.reload()
            heard_again = service.log.read_text().count("configuration read again")
            unknown = await command(service, "log-level", "debug", "--module", "nowhere")
            wrong = await command(service, "log-level", "loud")
            service.file.write_text(text + '[log]\nlevel = "warning"\n')
            reloaded = await command(service, "reload")
            await service.until_ready()

    assert (quiet[0], one[0], reloaded[0]) == (0, 0, 0), (quiet, one, reloaded)
    assert (silent, heard_again) == (0, 1)
    assert unknown[0] == 1
    assert "no module nowhere" in unknown[1]
    assert wrong[0] == 2
    assert "changed: log.level" in reloaded[1]
    assert '"level": "info"' not in service.log.read_text().rpartition("read again")[2]


def test_a_module_has_a_level_of_its_own():
    """With all within it, and the nearest name counts; others keep the level of all."""
    levels = Levels()
    levels.reset("warning")
    levels.set("debug", "crypitor.worker")
    levels.set("error", "crypitor.worker.node")

    assert levels.hears("crypitor.worker.follower", "debug")
    assert levels.hears("crypitor.worker", "debug")
    assert not levels.hears("crypitor.worker.node", "warning")
    assert levels.hears("crypitor.worker.nodes", "debug")
    assert not levels.hears("crypitor.workers", "info")
    assert levels.hears("crypitor.workers", "warning")
    levels.reset("info")
    assert not levels.hears("crypitor.worker", "debug")
