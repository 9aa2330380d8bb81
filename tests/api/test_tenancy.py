"""What belongs to one project does not exist for another: every route with an id, every list."""

import json

import pytest

from crypitor.api.build import OPERATIONS
from tests.api.rows import insert_delivery, insert_match

ALL_DATABASES = True
A = "0x" + "a" * 40
WITH_ID = [operation for operation in OPERATIONS if "{id}" in operation.path]
WITHOUT_END = "stream_events"
LISTS = [
    operation
    for operation in OPERATIONS
    if operation.method == "GET"
    and operation.scope is not None
    and "{" not in operation.path
    and operation.name != WITHOUT_END
]
BODIES = {
    "change_monitor": {"name": "taken"},
    "change_endpoint": {"description": "taken"},
    "change_project": {"name": "taken"},
    "add_monitor_addresses": {"addresses": ["0x" + "b" * 40]},
    "remove_monitor_addresses": {"addresses": [A]},
    "start_backfill": {"network": "ethereum", "from_block": 1},
    "test_monitor": {"network": "ethereum", "from_block": 1},
}

# The monitor is found; its network has no node here that could be asked.
WITHOUT_A_NODE = {"test_monitor": 409}


@pytest.fixture
async def things(api) -> dict[str, str]:
    """Return one thing of each sort, of the first project, by prefix of its id."""
    body = {"networks": ["ethereum"], "addresses": [A], "webhook": {"url": "https://example.com"}}
    made = await api.made("/v1/monitors", body)
    key = await api.made("/v1/keys", {"name": "x"})
    project = await api.made("/v1/projects", {"name": "third"})

    async def unit(tx):
        await tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp) values ('ethereum', 100, '0xa', '0xb', 0)"
        )
        return await insert_match(tx, api.project, 1), await insert_delivery(
            tx, api.project, 1, endpoint_id=made["endpoints"][0]
        )

    match, delivery = await api.context.database.write(unit)
    job = await api.made(f"/v1/monitors/{made['id']}/backfill", BODIES["start_backfill"])
    ids = (made["id"], made["endpoints"][0], match, delivery, job["id"], key["id"], project["id"])
    return {thing[:3]: thing for thing in ids}


async def contents(api) -> list:
    """Return all rows that a request could have changed."""
    tables = (
        "monitors",
        "endpoints",
        "addresses",
        "monitor_endpoints",
        "matches",
        "deliveries",
        "jobs",
        "api_keys",
        "projects",
    )

    async def unit(tx):
        return [await tx.all(f"select * from {table}") for table in tables]

    return await api.context.database.read(unit)


@pytest.mark.parametrize("operation", WITH_ID, ids=lambda operation: operation.name)
async def test_foreign_thing_does_not_exist(api, stranger, things, operation):
    """Another project's admin gets, for a thing that is there, what it gets for one that is not."""
    before = await contents(api)
    options = {"json": BODIES[operation.name]} if operation.name in BODIES else {}

    def path(thing: str) -> str:
        return operation.path.format(id=thing, address=A)

    foreign, problem = await api.call(
        operation.method, path(things[operation.id_prefix]), key=stranger, **options
    )
    absent, same = await api.call(
        operation.method, path(operation.id_prefix + "0" * 26), key=stranger, **options
    )

    assert (foreign.status, absent.status) == (404, 404)
    assert str(problem).replace(things[operation.id_prefix], "") == str(same).replace(
        operation.id_prefix + "0" * 26, ""
    )
    assert await contents(api) == before


@pytest.mark.parametrize("operation", WITH_ID, ids=lambda operation: operation.name)
async def test_own_thing_exists(api, things, operation):
    """The same request with a key of its own project finds the thing."""
    options = {"json": BODIES[operation.name]} if operation.name in BODIES else {}
    path = operation.path.format(id=things[operation.id_prefix], address=A)

    answer, _ = await api.call(operation.method, path, **options)

    assert answer.status == WITHOUT_A_NODE.get(operation.name, operation.status)


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.name)
async def test_lists_hold_nothing_foreign(api, stranger, things, operation):
    """Another project's answer has none of the things, with or without a filter for them."""
    _, page = await api.call("GET", operation.path, key=stranger)
    of_project = {"mo_": "monitor", "ep_": "endpoint", "ma_": "match"}
    known = operation.query.model_fields if operation.query else {}
    filters = [
        *(f"{name}={things[prefix]}" for prefix, name in of_project.items() if name in known),
        *([f"search={things['mo_']}"] if "search" in known else []),
        *([f"project={api.project}"] if "project" in known else []),
        *(["limit=1000"] if "limit" in known else []),
    ]
    narrowed = [
        (await api.call("GET", f"{operation.path}?{asked}", key=stranger))[1] for asked in filters
    ]

    for answer in [page, *narrowed]:
        told = json.dumps(answer)
        if "detail" in answer:  # a refusal may repeat what was asked for
            assert "data" not in answer
            continue
        assert [thing for thing in (*things.values(), api.project) if thing in told] == []


async def test_foreign_endpoint_cannot_be_used(api, stranger, things):
    """A monitor cannot deliver to another project's endpoint, nor tell that it exists."""
    body = {"networks": ["ethereum"], "endpoints": [things["ep_"]]}
    absent = {"networks": ["ethereum"], "endpoints": ["ep_" + "0" * 26]}

    foreign, problem = await api.call("POST", "/v1/monitors", key=stranger, json=body)
    _, same = await api.call("POST", "/v1/monitors", key=stranger, json=absent)

    assert foreign.status == 404
    assert problem == same


async def test_idempotency_keys_are_each_projects_own(api, stranger):
    """The same Idempotency-Key of two projects makes two things."""
    options = {"json": {"networks": ["ethereum"]}, "headers": {"Idempotency-Key": "same"}}

    _, ours = await api.call("POST", "/v1/monitors", **options)
    _, theirs = await api.call("POST", "/v1/monitors", key=stranger, **options)

    assert ours["id"] != theirs["id"]
