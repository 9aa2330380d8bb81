"""No query of the running service walks through a large table: PostgreSQL itself counts that."""

import asyncio

import aiohttp
import asyncpg
import pytest

from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from tests.conftest import postgres_database
from tests.rig import ADMIN_KEY, Service, heard
from tests.test_crash import ask

pytestmark = pytest.mark.live

ROWS = 100_000
# Not the addresses: the start reads all of them, and lists of monitors count them.
LARGE = ("matches", "deliveries", "attempts", "changes", "idempotency", "api_keys", "tokens")

# The history of a service that has run for long: one delivery of a thousand is still due, at an
# endpoint that is disabled.
FILL = f"""
    insert into endpoints select 'ep_old', id, 'https://example.com/hook', '', 'standard', '{{}}', 0,
        null, 0, 'disabled', null, 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU=', 0, null, 0, 0 from projects;
    insert into monitors select 'mo_old', id, 'Old', '["dev"]', '[]', 0, '[]', 'null', '[]', '', 1, 0, 0
        from projects;
    insert into monitors select 'mo_' || n, id, 'Old', '["dev"]', '[]', 0, '[]', 'null', '[]', '', 0, 0, 0
        from projects, generate_series(1, 1000) n;
    insert into addresses select case when n % 50 = 0 then 'mo_old' else 'mo_' || n % 1000 + 1 end,
        '0x' || lpad(to_hex(n), 40, '0'), null from generate_series(1, {ROWS}) n;
    insert into matches select 'ma_' || n, n, id, 'mo_' || n % 1000, 'dev', 'native', 'in',
        '0x' || lpad(to_hex(n % 5000), 40, '0'), -n / 10 - 1, 'h' || n / 10, 't' || n, 'confirmed', 0, 1, null,
        '{{}}', null, n from projects, generate_series(1, {ROWS}) n;
    update counters set value = {ROWS} where name = 'matches';
    insert into deliveries select 'de_' || n, id, 'mo_' || n % 1000, 'ma_' || n, 'ep_old', 'detected',
        case when n % 1000 = 0 then 'pending' else 'delivered' end, 1, n, 1, null, '{{}}', null, n, n
        from projects, generate_series(1, {ROWS}) n;
    insert into attempts select 'de_' || n, 1, n, 5, 200, null, '', id from projects, generate_series(1, {ROWS}) n;
    insert into changes select n, 'mo_old' from generate_series(1, {ROWS}) n;
    update counters set value = {ROWS} where name = 'changes';
    insert into idempotency select id, 'key ' || n, 'h', 200, '{{}}', 32503680000000 + n
        from projects, generate_series(1, {ROWS}) n;
    insert into api_keys select 'ke_' || n, id, 'Old', 'read', 's' || n, 0, null
        from projects, generate_series(1, {ROWS}) n;
    insert into tokens select 'dev', '0x' || lpad(to_hex(n), 40, '0'), 'T', 'T', 18, n, 0
        from generate_series(1, {ROWS}) n;
"""

WALKED = """select relname, coalesce(seq_tup_read, 0) as rows from pg_stat_user_tables
    where relname = any($1)"""


async def walked(admin):
    return {row["relname"]: row["rows"] for row in await admin.fetch(WALKED, LARGE)}


async def test_no_query_walks_through_a_large_table(tmp_path):
    """
    Not while blocks are matched, confirmed and reverted, webhooks sent and tried again, things
    listed and changed through the API, and gauges counted.
    """
    chain, secrets = SimulatedChain(6), []
    async with (
        postgres_database() as url,
        SimulatorServer(chain) as node,
        Receiver(lambda: secrets) as receiver,
    ):
        settings = {
            "CRYPITOR__DATABASE__URL": url,
            "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
            "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
            "CRYPITOR__NETWORKS__DEV__CONFIRMATIONS": "4",
            "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.02",
            "CRYPITOR__NETWORKS__DEV__START": "0",
            "CRYPITOR__WEBHOOK__SCHEDULE_SECONDS": "[0.2, 0.5, 1, 2]",
            # The history is of 1970, all of which retention would remove.
            "CRYPITOR__RETENTION__ATTEMPTS_DAYS": "forever",
            "CRYPITOR__RETENTION__BODIES_DAYS": "forever",
            "CRYPITOR__RETENTION__DELIVERIES_DAYS": "forever",
            "CRYPITOR__RETENTION__MATCHES_DAYS": "forever",
        }
        service = Service(tmp_path, settings)
        await service.start()
        await service.stop()
        admin = await asyncpg.connect(url)
        await admin.execute(FILL)
        await admin.execute("vacuum analyze")
        before = await walked(admin)
        await service.start()
        await ask(service, chain, receiver, secrets)
        for _ in range(10):
            chain.mine(3)
            await service.until_tip("dev", chain.head.number)
            chain.reorg(2, 3)
            await service.until_tip("dev", chain.head.number)
        await read_everything(service)
        await look_at_pages(service)
        await asyncio.sleep(1)
        await service.stop()
        after = await walked(admin)
        await admin.close()

    assert "match.reverted" in {one.json["type"] for one in heard(receiver)}
    assert {name: after[name] - before[name] for name in LARGE} == dict.fromkeys(LARGE, 0)


async def read_everything(service):
    """List and change what there is, with each filter that the API has."""
    match = (await service.get("/v1/matches?limit=1"))["data"][0]
    for path in (
        "/v1/matches",
        "/v1/matches?monitor=mo_5",
        "/v1/matches?network=dev&phase=confirmed&limit=5",
        "/v1/matches?order=asc",
        f"/v1/matches?address={match['address']}",
        f"/v1/matches?transaction={match['transaction']['hash']}",
        f"/v1/matches/{match['id']}",
        "/v1/deliveries",
        "/v1/deliveries?monitor=mo_5",
        "/v1/deliveries?endpoint=ep_old",
        f"/v1/deliveries?match={match['id']}",
        "/v1/monitors",
        "/v1/monitors/mo_old/addresses?search=0x0001",
        "/v1/networks",
    ):
        await service.get(path)
    async with service.api() as api:
        headers = {"Idempotency-Key": "one", "Authorization": f"Bearer {ADMIN_KEY}"}
        body = {"addresses": ["0x" + "9" * 40]}
        path = "/v1/monitors/mo_old/addresses"
        async with api.post(path, json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        async with api.delete("/v1/monitors/mo_7") as answer:
            assert answer.status == 200, await answer.text()


async def look_at_pages(service):
    """Open the dashboard's lists, as a browser does."""
    jar = aiohttp.CookieJar(unsafe=True)  # which keeps those of an address, too
    async with aiohttp.ClientSession(service.url, cookie_jar=jar) as browser:
        async with browser.post("/login", data={"key": ADMIN_KEY}) as answer:
            assert answer.url.path == "/"
        for path in (
            "/?span=7d",
            "/monitors",
            "/monitors/mo_old",
            "/matches",
            "/deliveries",
            "/endpoints/ep_old",
            "/networks/dev",
            "/keys",
            "/about",
        ):
            async with browser.get(path) as answer:
                assert answer.status == 200, path
                assert answer.url.path == path.split("?")[0]
