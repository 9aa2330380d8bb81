"""Projects: what they may have, what they use, and how they go."""

import asyncio
import json
import secrets
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer

from crypitor.api import SERVER_OPTIONS, build
from crypitor.database.keys import Scope, create_key, create_project
from crypitor.database.limits import DAY_MS, Limits
from crypitor.database.newest import ids_from
from crypitor.process.farewell import Farewell
from tests.api.rows import insert_delivery, insert_match

ALL_DATABASES = True
A, B, C = ("0x" + letter * 40 for letter in "abc")
ENDPOINT = {"url": "https://example.com/hook"}


@pytest.fixture
async def project(api) -> str:
    """Return the id of another project."""
    return (await api.made("/v1/projects", {"name": "other"}))["id"]


@pytest.fixture
async def key(api, project) -> str:
    """Return a key of that project, with admin scope."""
    return await api.key(Scope.ADMIN, project)


async def limit(api, project: str, **limits) -> None:
    """Set limits of a project."""
    answer, document = await api.call("PATCH", f"/v1/projects/{project}", json={"limits": limits})
    assert answer.status == 200, document


async def usage(api, project: str, name: str) -> tuple:
    """Return limit and what is used of it."""
    _, document = await api.call("GET", f"/v1/projects/{project}/usage")
    told = document["limits"][name]
    return told["limit"], told["used"]


async def test_project_is_renamed_and_keeps_its_limits(api, project):
    """A patch changes what it names, and null takes a limit back to the default."""
    await limit(api, project, monitors=3, endpoints=1)
    _, renamed = await api.call("PATCH", f"/v1/projects/{project}", json={"name": "new"})
    await limit(api, project, endpoints=None)

    _, read = await api.call("GET", f"/v1/projects/{project}")
    assert (renamed["name"], renamed["limits"]["monitors"]) == ("new", 3)
    assert (read["limits"]["monitors"], read["limits"]["endpoints"]) == (3, None)


async def test_only_the_operator_sets_limits(api, project, key):
    """A project's own admin renames it, and sets no limits."""
    path = f"/v1/projects/{project}"
    renamed, _ = await api.call("PATCH", path, key=key, json={"name": "mine"})
    refused, _ = await api.call("PATCH", path, key=key, json={"limits": {"monitors": 9}})

    assert (renamed.status, refused.status) == (200, 403)


async def refused(api, key: str, method: str, path: str, body: dict) -> str:
    """Return why a request is refused with 409."""
    answer, problem = await api.call(method, path, key=key, json=body)
    assert answer.status == 409, problem
    return problem["detail"]


async def test_monitors_and_endpoints_are_limited(api, project, key):
    """One more than may be is refused with the limit's name and what is used, however it is made."""
    await limit(api, project, monitors=1, endpoints=1)
    await api.made("/v1/endpoints", ENDPOINT, key=key)
    with_hook = {"networks": ["dev"], "webhook": ENDPOINT}

    detail = await refused(api, key, "POST", "/v1/monitors", with_hook)
    assert "1 endpoints (limit 'endpoints')" in detail
    assert detail.endswith("would have 2")
    made = await api.made("/v1/monitors", {"networks": ["dev"]}, key=key)
    assert "limit 'monitors'" in await refused(
        api, key, "POST", "/v1/monitors", {"networks": ["dev"]}
    )
    path = f"/v1/monitors/{made['id']}"
    assert "limit 'endpoints'" in await refused(api, key, "PATCH", path, {"webhook": ENDPOINT})
    assert await usage(api, project, "monitors") == (1, 1)
    assert await usage(api, project, "endpoints") == (1, 1)


async def test_addresses_are_limited_by_every_way(api, project, key):
    """Inline, added and replaced addresses count together; what was removed counts no more."""
    await limit(api, project, addresses=2)
    made = await api.made("/v1/monitors", {"networks": ["dev"], "addresses": [A]}, key=key)
    path = f"/v1/monitors/{made['id']}"
    three = {"addresses": [A, B, C]}

    for method, place in (("PATCH", path), ("POST", path + "/addresses")):
        assert "limit 'addresses'" in await refused(api, key, method, place, three)
    body = {"networks": ["dev"], "addresses": [A, B]}
    assert "limit 'addresses'" in await refused(api, key, "POST", "/v1/monitors", body)
    await api.made(path + "/addresses", {"addresses": [A, B]}, key=key)
    assert await usage(api, project, "addresses") == (2, 2)
    await api.call("DELETE", path + "/addresses", key=key, json={"addresses": [A]})
    assert await usage(api, project, "addresses") == (2, 1)
    await api.call("PATCH", path, key=key, json={"addresses": [A, C]})
    assert await usage(api, project, "addresses") == (2, 2)
    await api.call("DELETE", path, key=key)
    assert await usage(api, project, "addresses") == (2, 0)


SIGNED = {"kind": "event", "signature": "Sold(address indexed who, (uint8, bool[])[] what)"}
SIGNED_COST = 1 + 6  # itself; address, array, tuple, uint8, bool[], bool


async def test_cost_of_rules_is_limited_by_every_way(api, project, key):
    """New and changed rules count together; what costs no more than before is not refused."""
    await limit(api, project, rules_cost=SIGNED_COST + 1)
    body = {"networks": ["dev"], "addresses": [A], "rules": [SIGNED]}
    made = await api.made("/v1/monitors", body, key=key)
    assert await usage(api, project, "rules_cost") == (SIGNED_COST + 1, SIGNED_COST)

    detail = await refused(api, key, "POST", "/v1/monitors", body)
    assert "(limit 'rules_cost')" in detail
    assert detail.endswith(f"would have {2 * SIGNED_COST}")
    path = f"/v1/monitors/{made['id']}"
    more = {"rules": [SIGNED, SIGNED]}
    assert "limit 'rules_cost'" in await refused(api, key, "PATCH", path, more)
    await limit(api, project, rules_cost=0)
    for change in ({"name": "new"}, {"rules": [SIGNED]}, {"rules": [{"kind": "native"}]}):
        answer, problem = await api.call("PATCH", path, key=key, json=change)
        assert answer.status == 200, problem
    assert await usage(api, project, "rules_cost") == (0, 1)
    await api.call("DELETE", path, key=key)
    assert await usage(api, project, "rules_cost") == (0, 0)


async def test_monitors_without_rules_of_their_own_cost_the_default_ones(api, project, key):
    """A monitor that says nothing of rules counts those that it gets."""
    made = await api.made("/v1/monitors", {"networks": ["dev"]}, key=key)

    assert await usage(api, project, "rules_cost") == (None, len(made["rules"]))


async def test_requests_that_come_together_do_not_pass_a_limit(api, project, key):
    """Of many that are made at the same time as many succeed as may."""
    await limit(api, project, monitors=3)
    body = {"networks": ["dev"]}

    answers = await asyncio.gather(
        *(api.call("POST", "/v1/monitors", key=key, json=body) for _ in range(8))
    )
    assert sorted(answer.status for answer, _ in answers) == [201] * 3 + [409] * 5


async def test_blocks_of_backfills_are_limited_for_a_day(api, project, key):
    """What was asked for today counts, tomorrow begins anew; a cancelled one counts what it did."""
    await limit(api, project, backfill_blocks_per_day=50)
    await api.context.database.write(
        lambda tx: tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp) values ('ethereum', 100, '0xa', '0xb', 0)"
        )
    )
    made = await api.made("/v1/monitors", {"networks": ["ethereum"]}, key=key)
    path = f"/v1/monitors/{made['id']}/backfill"
    body = {"network": "ethereum", "from_block": 1, "to_block": 40}

    job = await api.made(path, body, key=key)
    assert "would have 80" in await refused(api, key, "POST", path, body)
    await api.call("DELETE", f"/v1/jobs/{job['id']}", key=key)
    await api.made(path, body, key=key)
    assert await usage(api, project, "backfill_blocks_per_day") == (50, 40)
    api.clock.now += DAY_MS
    await api.made(path, body, key=key)


async def test_deliveries_of_today_are_counted(api, project):
    """Usage has the deliveries since midnight, UTC."""
    day = api.clock.now // DAY_MS * DAY_MS
    for number, at in enumerate((day - 1, day, day + 1)):
        await api.context.database.write(
            lambda tx, number=number, at=at: insert_delivery(tx, project, number + 1, created_at=at)
        )

    assert await usage(api, project, "deliveries_per_day") == (None, 2)


async def test_requests_are_limited(api, project, key):
    """More requests than a second allows are 429 with when to come again; others are served."""
    await limit(api, project, requests_per_second=3)
    tried = [(await api.call("GET", "/v1/monitors", key=key))[0] for _ in range(20)]

    statuses = [answer.status for answer in tried]
    assert statuses[:3] == [200] * 3
    assert 429 in statuses
    late = next(answer for answer in tried if answer.status == 429)
    assert late.headers["Retry-After"] == "1"
    other, _ = await api.call("GET", "/v1/monitors")
    assert other.status == 200


@pytest.mark.parametrize("rate", [5e-324, 1e-300, 1e-9])
async def test_less_than_one_request_a_day_is_no_limit_to_set(api, project, key, rate):
    """Nobody could say when the next may come; one that was set before is the least there is."""
    answer, told = await api.call(
        "PATCH", f"/v1/projects/{project}", json={"limits": {"requests_per_second": rate}}
    )
    await api.context.database.write(
        lambda tx: tx.run(
            "update projects set limits = :limits where id = :id",
            limits=json.dumps({"requests_per_second": rate}),
            id=project,
        )
    )
    first, _ = await api.call("GET", "/v1/monitors", key=key)
    second, _ = await api.call("GET", "/v1/monitors", key=key)

    assert (answer.status, told["errors"][0]["pointer"]) == (400, "/limits/requests_per_second")
    assert (first.status, second.status) == (200, 429)
    assert second.headers["Retry-After"] == "100000"
    assert second.headers["RateLimit-Policy"] == '"project";q=1;w=100000'


async def test_default_holds_for_whoever_has_no_limit_of_its_own(api, project):
    """What the configuration says is in force until a project has its own."""
    from crypitor.api.projects.routes import project_usage

    defaults = Limits(monitors=5)
    for own, expected in ((None, 5), (7, 7)):
        await limit(api, project, monitors=own)
        told = await api.context.database.read(
            lambda tx: project_usage(tx, project, defaults, api.clock.now)
        )
        assert told["limits"]["monitors"]["limit"] == expected


async def owned(api, project: str) -> int:
    """Return how many rows a project has, in all tables that say whose a row is."""

    async def unit(tx):
        tables = "monitors endpoints jobs replays deliveries matches events idempotency api_keys retention"
        count = 0
        for table in tables.split():
            count += await tx.value(
                f"select count(*) from {table} where project_id = :id", id=project
            )
        return count + await tx.value("select count(*) from projects where id = :id", id=project)

    return await api.context.database.read(unit)


async def test_deleted_project_goes_with_all_it_owns(api, project, key):
    """Its keys open nothing at once; monitors, deliveries, matches and the rest go in steps."""
    body = {"networks": ["ethereum"], "addresses": [A], "webhook": ENDPOINT}
    headers = {"Idempotency-Key": "one"}
    made = await api.made("/v1/monitors", body, key=key, headers=headers)
    kept = await api.made("/v1/monitors", body)

    async def unit(tx):
        await tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp) values ('ethereum', 100, '0xa', '0xb', 0)"
        )
        for number in range(1, 4):
            await insert_match(tx, project, number)
            await insert_delivery(tx, project, number, endpoint_id=made["endpoints"][0])

    await api.context.database.write(unit)
    backfill = {"network": "ethereum", "from_block": 1}
    await api.made(f"/v1/monitors/{made['id']}/backfill", backfill, key=key)
    await api.made(f"/v1/monitors/{made['id']}/replay", {}, key=key)

    answer, _ = await api.call("DELETE", f"/v1/projects/{project}")
    opened, _ = await api.call("GET", "/v1/monitors", key=key)
    gone, _ = await api.call("GET", f"/v1/projects/{project}")
    assert (answer.status, opened.status, gone.status) == (200, 401, 404)
    assert project not in [one["id"] for one in (await api.call("GET", "/v1/projects"))[1]["data"]]

    farewell = Farewell(api.context)
    while await farewell.step():
        pass
    assert await owned(api, project) == 1  # a request of before may be under way yet
    api.clock.now += 10_000
    while await farewell.step():
        pass

    assert await owned(api, project) == 0
    assert await owned(api, api.project) > 0
    assert (kept["id"] in api.index, made["id"] in api.index) == (True, False)


async def test_deletion_goes_on_after_a_restart(api, project, key):
    """Whoever makes the next step, it goes on where the last one ended."""
    for number in range(3):
        await api.made("/v1/endpoints", {**ENDPOINT, "description": str(number)}, key=key)
    await api.call("DELETE", f"/v1/projects/{project}")
    api.clock.now += 10_000
    while await Farewell(api.context).step():
        pass

    assert await owned(api, project) == 0


async def test_operators_project_stays(api, key, project):
    """The operator's project cannot be deleted, and others only by the operator."""
    own, _ = await api.call("DELETE", f"/v1/projects/{api.project}")
    by_itself, _ = await api.call("DELETE", f"/v1/projects/{project}", key=key)

    assert (own.status, by_itself.status) == (409, 403)


async def test_clock_that_was_ahead_gives_no_rights(api):
    """A project made by a clock that was put back has no more rights than any other."""

    async def unit(tx):
        early = await create_project(tx, "early", 1, secrets.token_bytes)
        _, secret = await create_key(tx, early.id, "x", Scope.ADMIN, 1, secrets.token_bytes)
        return early.id, secret

    early, secret = await api.context.database.write(unit)
    answer, _ = await api.call("POST", "/v1/projects", key=secret, json={"name": "x"})

    assert early < api.project
    assert answer.status == 403


async def test_lists_have_what_is_newer_first_whatever_the_clock_says(api):
    """After a clock that was years ahead, also over a restart, what is made later still comes first."""
    api.clock.now += 10**11
    made = [(await api.made("/v1/monitors", {"networks": ["dev"]}))["id"]]
    api.clock.now -= 10**11
    made.append((await api.made("/v1/monitors", {"networks": ["dev"]}))["id"])
    ids = await api.context.database.read(ids_from)
    async with TestServer(build(replace(api.context, ids=ids))) as server:
        await server.start_server(**SERVER_OPTIONS)
        restarted = replace(api, url=str(server.make_url("")).rstrip("/"))
        for number in range(3):
            made.append((await restarted.made("/v1/monitors", {"networks": ["dev"]}))["id"])
            project = await restarted.made("/v1/projects", {"name": str(number)})
            key = await restarted.made("/v1/keys", {"name": str(number)})

        for path, newest in (
            ("monitors", made[-1]),
            ("projects", project["id"]),
            ("keys", key["id"]),
        ):
            _, page = await restarted.call("GET", f"/v1/{path}")
            assert page["data"][0]["id"] == newest
        assert [
            one["id"] for one in (await restarted.call("GET", "/v1/monitors"))[1]["data"]
        ] == made[::-1]
