"""The service, stopped, its SQLite file taken back to an older copy, and started again."""

import shutil

import aiohttp

from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.rig import Service
from tests.test_crash import ask
from tests.test_service import settings

BODY = {"url": "https://example.com/hook"}


async def answer_of(service, method, path, **options):
    async with service.api() as api, api.request(method, path, **options) as answer:
        return answer.status, await answer.json()


async def test_what_was_given_out_since_the_copy_was_made_is_refused(tmp_path):
    """Though by the time it is used again the database has come past it, on the same chain."""
    chain, secrets = SimulatedChain(7), []
    database, copy = tmp_path / "crypitor.db", tmp_path / "copy"
    async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
        service = Service(tmp_path, settings(node.url))
        await service.start()
        await ask(service, chain, receiver, secrets)
        chain.mine(5)
        await service.until_tip("dev", chain.head.number)
        _, page = await answer_of(service, "GET", "/v1/matches?order=asc")
        kept = page["next_cursor"]
        kept_key = {"Idempotency-Key": "kept"}
        await answer_of(service, "POST", "/v1/endpoints", json=BODY, headers=kept_key)
        await service.stop()
        shutil.copyfile(database, copy)
        await service.start()
        undisturbed, _ = await answer_of(service, "GET", f"/v1/matches?order=asc&cursor={kept}")
        chain.mine(5)
        await service.until_tip("dev", chain.head.number)
        _, page = await answer_of(service, "GET", "/v1/matches?order=asc")
        lost, lost_key = page["next_cursor"], {"Idempotency-Key": "lost"}
        made, _ = await answer_of(service, "POST", "/v1/endpoints", json=BODY, headers=lost_key)
        await service.kill()
        for suffix in ("-wal", "-shm"):
            (tmp_path / f"crypitor.db{suffix}").unlink(missing_ok=True)
        shutil.copyfile(copy, database)
        await service.start()
        chain.mine(20)
        await service.until_tip("dev", chain.head.number)
        feed, told = await answer_of(service, "GET", f"/v1/matches?order=asc&cursor={lost}")
        repeated, _ = await answer_of(service, "POST", "/v1/endpoints", json=BODY, headers=lost_key)
        known, _ = await answer_of(service, "POST", "/v1/endpoints", json=BODY, headers=kept_key)
        anew, page = await answer_of(service, "GET", "/v1/matches?order=asc")
        await service.stop()
        await service.start()
        cursor = page["next_cursor"]
        good, _ = await answer_of(service, "GET", f"/v1/matches?order=asc&cursor={cursor}")
        await service.stop()

    assert (undisturbed, made) == (200, 201)
    assert (feed, repeated) == (410, 410)
    assert "an older copy of it was put back" in told["detail"]
    assert (known, anew, good) == (201, 200, 200)
    assert service.log.read_text().count("an older copy of the database was put back") == 1


async def test_a_file_that_is_deleted_is_told_and_nothing_is_acknowledged(tmp_path):
    """Within seconds not ready; a restart finds no more than was acknowledged."""
    async with SimulatorServer(SimulatedChain(7)) as node:
        service = Service(tmp_path, settings(node.url))
        await service.start()
        await service.post("/v1/endpoints", BODY)
        (tmp_path / "crypitor.db").rename(tmp_path / "elsewhere")
        await service.until_ready(503)
        status, _ = await answer_of(service, "POST", "/v1/endpoints", json=BODY)
        async with aiohttp.ClientSession() as http, http.get(f"{service.url}/readyz") as answer:
            told = await answer.json()
        (tmp_path / "elsewhere").rename(tmp_path / "crypitor.db")
        await service.until_ready()
        page = await service.get("/v1/endpoints")
        ended = await service.stop()

    assert status == 503
    assert "was deleted or moved away" in told["troubles"]["database"]
    assert (len(page["data"]), ended) == (1, 0)
