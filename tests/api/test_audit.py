"""The audit: every change and every secret that is read leaves an entry, without secrets."""

import json

import pytest

from crypitor.api.build import OPERATIONS
from crypitor.database.audit import AuditFilter, list_audit
from crypitor.database.keys import Scope
from crypitor.database.retention import DAY_MS, Kept, plan, prune
from tests.api.rows import insert_delivery, insert_match

ALL_DATABASES = True
A, B = "0x" + "a" * 40, "0x" + "b" * 40
CANARY = "canary-7f3a9c2e51"
URL = f"https://example.com/{CANARY}?token={CANARY}"
ENDPOINT = {"url": URL, "headers": {"Authorization": f"Bearer {CANARY}"}}
UNCHANGING = {
    "test_monitor",
    "reload_configuration",
    "resume_network",
}  # these need a process around them


async def entries(api, query: str = "", **options) -> list[dict]:
    """Return the entries of the audit, newest first."""
    answer, page = await api.call("GET", f"/v1/audit?limit=1000{query}", **options)
    assert answer.status == 200, page
    return page["data"]


async def everything_done(api) -> dict[str, str]:
    """Do all that can be done once; return operationId → the action that the audit has of it."""
    done = {}

    async def do(operation: str, method: str, path: str, body: object = None) -> dict:
        before = len(await entries(api))
        options = {} if body is None else {"json": body}
        answer, document = await api.call(method, path, **options)
        assert answer.status < 300, document
        new = (await entries(api))[: len(await entries(api)) - before]
        assert len(new) == 1, (operation, new)
        done[operation] = new[0]["action"]
        return document

    endpoint = await do("create_endpoint", "POST", "/v1/endpoints", ENDPOINT)
    place = f"/v1/endpoints/{endpoint['id']}"
    await do("change_endpoint", "PATCH", place, {"description": "other"})
    await do("read_secret", "GET", place + "/secret")
    await do("rotate_secret", "POST", place + "/rotate", {})
    await do("ping_endpoint", "POST", place + "/ping")
    monitor = await do(
        "create_monitor", "POST", "/v1/monitors", {"networks": ["ethereum"], "addresses": [A]}
    )
    watch = f"/v1/monitors/{monitor['id']}"
    await do("change_monitor", "PATCH", watch, {"endpoints": [endpoint["id"]], "name": "new"})
    await do("add_monitor_addresses", "POST", watch + "/addresses", {"addresses": [B]})
    await do("remove_monitor_addresses", "DELETE", watch + "/addresses", {"addresses": [B]})

    async def unit(tx):
        await tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp) values ('ethereum', 100, '0xa', '0xb', 0)"
        )
        await insert_match(tx, api.project, 1)
        return await insert_delivery(tx, api.project, 1, endpoint_id=endpoint["id"])

    delivery = await api.context.database.write(unit)
    await do("acknowledge", "POST", f"/v1/matches/ma_{1:022}/acknowledge")
    await do("retry_delivery", "POST", f"/v1/deliveries/{delivery}/retry", {"again": True})
    await do("replay_monitor", "POST", watch + "/replay", {})
    await do("replay_endpoint", "POST", place + "/replay", {})
    job = await do("start_backfill", "POST", watch + "/backfill", {"network": "ethereum", "from_block": 1})  # fmt: skip
    await do("stop_job", "DELETE", f"/v1/jobs/{job['id']}")
    await do("remove_monitor", "DELETE", watch)
    await do("remove_endpoint", "DELETE", place)
    project = await do("add_project", "POST", "/v1/projects", {"name": "other"})
    await do("change_project", "PATCH", f"/v1/projects/{project['id']}", {"name": "renamed"})
    key = await do("add_key", "POST", "/v1/keys", {"name": "x", "project": project["id"]})
    await do("rotate_key", "POST", f"/v1/keys/{key['id']}/rotate", {})
    await do("remove_key", "DELETE", f"/v1/keys/{key['id']}")
    await do("remove_project", "DELETE", f"/v1/projects/{project['id']}")
    return done


async def test_every_change_has_one_entry_without_secrets(api):
    """Each operation that changes, and each that reads a secret, leaves one entry; no secret is in it."""
    done = await everything_done(api)

    changing = {one.name for one in OPERATIONS if one.writes} | {"read_secret"}
    assert done.keys() == changing - UNCHANGING
    assert len(set(done.values())) == len(done)
    assert (done["create_monitor"], done["read_secret"]) == (
        "monitor.create",
        "endpoint.secret.read",
    )
    stored = await api.context.database.read(lambda tx: tx.all("select * from audit"))
    assert not [
        row for row in stored for secret in (CANARY, "whsec_", "whsk_") if secret in str(row)
    ]
    assert api.admin not in str(stored)


async def test_entry_says_who_did_what(api):
    """An entry has the key, the machine, the request, the time, and the states before and after."""
    made = await api.made("/v1/monitors", {"networks": ["dev"], "name": "old"})
    await api.call(
        "PATCH",
        f"/v1/monitors/{made['id']}",
        json={"name": "new"},
        headers={"X-Request-Id": "my-id"},
    )

    [entry] = await entries(api, f"&subject={made['id']}&action=monitor.change")
    assert (entry["before"]["name"], entry["after"]["name"]) == ("old", "new")
    assert (entry["project"], entry["via"], entry["address"]) == (api.project, "api", "127.0.0.1")
    assert (entry["request_id"], entry["key"]) == ("my-id", api.admin[:29])


async def test_what_a_monitor_watched_is_told_before_and_after(api):
    """Of few addresses, in its changes and its deletion; all that was done to it is found by its id."""
    made = await api.made("/v1/monitors", {"networks": ["ethereum"], "addresses": [A]})
    place = f"/v1/monitors/{made['id']}"
    await api.call("PATCH", place, json={"addresses": [B]})
    await api.context.database.write(
        lambda tx: tx.run(
            "insert into headers (network, number, hash, parent_hash, timestamp) values ('ethereum', 100, '0xa', '0xb', 0)"
        )
    )
    await api.made(place + "/backfill", {"network": "ethereum", "from_block": 1})
    await api.made(place + "/replay", {})
    await api.call("DELETE", place)

    deleted, replay, backfill, changed, created = await entries(api, f"&subject={made['id']}")
    watched = [(one["before"] or {}).get("addresses") for one in (created, changed, deleted)]
    assert watched == [None, [A], [B]]
    assert changed["after"]["addresses"] == [B]
    assert [one["action"] for one in (backfill, replay)] == ["monitor.backfill", "monitor.replay"]
    assert backfill["after"]["id"].startswith("jo_")


async def test_a_rotation_tells_how_it_signed_before(api):
    """Whose public key it was, and never the secret."""
    made = await api.made("/v1/endpoints", {**ENDPOINT, "signature": "v1a"})
    await api.made(f"/v1/endpoints/{made['id']}/rotate", {"signature": "v1"})

    [entry] = await entries(api, "&action=endpoint.rotate")
    told = [(one["signature"], one["public_key"]) for one in (entry["before"], entry["after"])]
    assert told == [("v1a", made["public_key"]), ("v1", None)]
    assert {entry["before"]["secret"], entry["after"]["secret"]} == {"***"}


async def test_what_was_refused_or_repeated_leaves_no_entry(api):
    """A change that is refused, and a repetition for its Idempotency-Key, is no change."""
    options = {"json": {"networks": ["dev"]}, "headers": {"Idempotency-Key": "one"}}
    for _ in range(2):
        await api.call("POST", "/v1/monitors", **options)
    await api.call("POST", "/v1/monitors", json={"networks": ["dev"], "endpoints": ["ep_none"]})

    assert [one["action"] for one in await entries(api)] == ["monitor.create"]


async def test_million_addresses_have_one_entry(api):
    """A call of many chunks has one entry, with how many it changed and the first of them."""
    made = await api.made("/v1/monitors", {"networks": ["dev"]})
    lines = "".join(f"0x{number:040x}\n" for number in range(2_500))
    await api.call(
        "POST",
        f"/v1/monitors/{made['id']}/addresses",
        data=lines,
        headers={"Content-Type": "text/csv"},
    )

    [entry] = await entries(api, "&action=monitor.addresses")
    assert (entry["action"], entry["after"]["count"]) == ("monitor.addresses.add", 2_500)
    assert len(entry["after"]["addresses"]) == 20


async def test_project_sees_its_own_entries_and_what_the_operator_did_to_it(api):
    """Another project's admin sees what was done to its things, by whomever, and no more."""
    project = await api.made("/v1/projects", {"name": "other"})
    made = await api.made("/v1/keys", {"name": "x", "scope": "admin", "project": project["id"]})
    await api.made("/v1/monitors", {"networks": ["dev"]})
    await api.made("/v1/monitors", {"networks": ["dev"]}, key=made["secret"])

    theirs = await entries(api, key=made["secret"])
    foreign = await entries(api, f"&project={api.project}", key=made["secret"])
    all_of_them = await entries(api)
    assert [one["action"] for one in theirs] == ["monitor.create", "key.create", "project.create"]
    assert (foreign, len(all_of_them)) == ([], 4)
    assert len(await entries(api, f"&project={api.project}")) == 1


async def test_pages_and_export_have_the_same_entries(api):
    """Pages newest first and the export oldest first have each entry once."""
    for number in range(5):
        await api.made("/v1/projects", {"name": str(number)})
    found, cursor = [], ""
    while True:
        _, page = await api.call("GET", f"/v1/audit?limit=2{cursor}")
        found += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    answer, text = await api.call("GET", "/v1/audit/export?action=project")
    assert answer.content_type == "application/x-ndjson"
    assert [json.loads(line) for line in text.splitlines()] == found[::-1]
    assert [one["after"]["name"] for one in found] == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("query", ["since=2026-09-21T14:13:20Z", "until=2026-09-21T14:13:20Z"])
async def test_entries_of_a_time(api, query):
    """`since` is included, `until` is not."""
    await api.made("/v1/projects", {"name": "before"})
    api.clock.now += 1
    api.clock.now -= api.clock.now % 1000 - 1000
    await api.made("/v1/projects", {"name": "after"})
    at = (await entries(api))[0]["at"]

    names = [one["after"]["name"] for one in await entries(api, f"&{query.split('=')[0]}={at}")]
    assert names == (["after"] if query.startswith("since") else ["before"])


async def test_audit_needs_an_admin(api):
    """A key with write scope does not read who did what."""
    answer, _ = await api.call("GET", "/v1/audit", key=await api.key(Scope.WRITE))

    assert answer.status == 403


async def test_entries_are_kept_as_configured(api):
    """The retention removes entries that are older than they are to be kept, and no others."""
    await api.made("/v1/projects", {"name": "old"})
    api.clock.now += 2 * DAY_MS
    await api.made("/v1/projects", {"name": "new"})
    database, kept = api.context.database, Kept(audit=DAY_MS)
    await database.write(lambda tx: plan(tx, 0))
    while await database.write(lambda tx: prune(tx, kept, api.clock.now, 100)):
        pass

    left = await database.read(lambda tx: list_audit(tx, AuditFilter(), 10))
    assert [one.deed.after["name"] for one in left] == ["new"]
