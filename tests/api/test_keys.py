"""Projects and keys: what an operator and what another project's admin can do."""

import asyncio
from dataclasses import replace

from aiohttp.test_utils import TestServer

from crypitor.api import SERVER_OPTIONS, build
from crypitor.database.keys import CONFIGURED_KEY, Scope, ensure_admin, is_mistyped, revoke_key
from tests.api.conftest import START
from tests.patience import HANG_SECONDS

ALL_DATABASES = True


async def test_secret_is_told_once(api):
    """The answer that makes a key has its secret, the list does not."""
    made = await api.made("/v1/keys", {"name": "grafana", "scope": "read"})

    _, page = await api.call("GET", "/v1/keys")
    opened, _ = await api.call("GET", "/v1/monitors", key=made["secret"])
    assert made["secret"].startswith(made["id"] + "_")
    assert is_mistyped(made["secret"]) is False
    assert opened.status == 200
    assert all("secret" not in key for key in page["data"])


async def test_operator_makes_a_project_and_its_key(api):
    """A key for another project opens that project, which is empty."""
    await api.made("/v1/monitors", {"networks": ["dev"]})
    project = await api.made("/v1/projects", {"name": "other"})

    key = await api.made("/v1/keys", {"name": "x", "scope": "write", "project": project["id"]})

    _, page = await api.call("GET", "/v1/monitors", key=key["secret"])
    assert key["project"] == project["id"]
    assert page["data"] == []


async def test_other_projects_admin_sees_its_own_alone(api, stranger):
    """An admin key of another project lists its own project and keys, and makes no projects."""
    _, projects = await api.call("GET", "/v1/projects", key=stranger)
    _, keys = await api.call("GET", "/v1/keys", key=stranger)
    _, foreign = await api.call("GET", f"/v1/keys?project={api.project}", key=stranger)
    refused, _ = await api.call("POST", "/v1/projects", key=stranger, json={"name": "x"})
    reached, _ = await api.call(
        "POST", "/v1/keys", key=stranger, json={"name": "x", "project": api.project}
    )

    assert [project["name"] for project in projects["data"]] == ["other"]
    assert {key["project"] for key in keys["data"]} == {projects["data"][0]["id"]}
    assert foreign["data"] == []
    assert (refused.status, reached.status) == (403, 404)


async def test_operator_sees_all_projects(api, stranger):
    """An operator's lists have every project, and can be narrowed to one."""
    _, projects = await api.call("GET", "/v1/projects")
    _, keys = await api.call("GET", "/v1/keys")
    _, narrowed = await api.call("GET", f"/v1/keys?project={projects['data'][0]['id']}")

    assert [project["name"] for project in projects["data"]] == ["other", "default"]
    assert len(keys["data"]) == 2
    assert len(narrowed["data"]) == 1


async def test_configured_key_is_not_revoked_here(api):
    """The key of the configuration would come back at the next start: 409."""
    await api.context.database.write(
        lambda tx: ensure_admin(tx, "from-the-environment", api.clock(), api.context.random_bytes)
    )

    answer, _ = await api.call("DELETE", f"/v1/keys/{CONFIGURED_KEY}")

    assert answer.status == 409


async def test_revoked_key_stays_in_the_list(api):
    """The list tells when a key was revoked."""
    made = await api.made("/v1/keys", {"name": "x"})
    await api.call("DELETE", f"/v1/keys/{made['id']}")

    _, page = await api.call("GET", "/v1/keys")

    revoked = {key["id"]: key["revoked_at"] for key in page["data"]}
    assert revoked[made["id"]] == "2026-09-21T14:13:20.000Z"


async def test_default_scope_is_write(api):
    """A key that says nothing can write and cannot administer."""
    made = await api.made("/v1/keys", {"name": "x"})

    assert made["scope"] == Scope.WRITE.word


async def test_key_expires(api):
    """A key opens until its end, also while the process remembers it, and never after."""
    until = "2026-09-21T14:13:21.500Z"
    made = await api.made("/v1/keys", {"name": "x", "scope": "read", "expires_at": until})
    statuses = []
    for at in (0, 700, 1_499, 1_500, 5_000):
        api.clock.now = START + at
        answer, _ = await api.call("GET", "/v1/monitors", key=made["secret"])
        statuses.append(answer.status)

    assert made["expires_at"] == until
    assert statuses == [200, 200, 200, 401, 401]


async def test_key_that_has_expired_is_not_made(api):
    """An end in the past is refused with its pointer."""
    body = {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}
    answer, problem = await api.call("POST", "/v1/keys", json=body)

    assert (answer.status, problem["errors"][0]["pointer"]) == (409, "/expires_at")


async def test_no_name_is_no_project(api):
    """An empty one is not taken for the asker's own."""
    answer, told = await api.call("POST", "/v1/keys", json={"name": "x", "project": ""})

    assert (answer.status, told["errors"][0]["pointer"]) == (404, "/project")


async def test_rotated_key_opens_for_its_overlap(api):
    """Both keys open for the overlap, then the new one alone, with the old one's name and scope."""
    old = await api.made("/v1/keys", {"name": "grafana", "scope": "read"})
    new = await api.made(f"/v1/keys/{old['id']}/rotate", {"overlap_seconds": 60})

    assert (new["name"], new["scope"], new["expires_at"]) == ("grafana", "read", None)
    seen = []
    for at in (0, 59_999, 60_000):
        api.clock.now = START + at
        answers = [await api.call("GET", "/v1/monitors", key=k["secret"]) for k in (old, new)]
        seen.append([answer.status for answer, _ in answers])
    assert seen == [[200, 200], [200, 200], [401, 200]]
    again, _ = await api.call("POST", f"/v1/keys/{old['id']}/rotate", json={})
    assert again.status == 409


async def test_rotation_ends_a_key_no_later_than_it_would(api):
    """An overlap gives a key no more time than it had, and the new one has the same end."""
    until = "2026-09-21T14:13:30.000Z"
    old = await api.made("/v1/keys", {"name": "x", "expires_at": until})
    new = await api.made(f"/v1/keys/{old['id']}/rotate", {"overlap_seconds": 86_400})

    _, page = await api.call("GET", "/v1/keys")
    ends = {key["id"]: key["expires_at"] for key in page["data"]}
    assert (ends[old["id"]], new["expires_at"]) == (until, until)


async def test_last_use_is_kept(api):
    """The list says when a key was last used, to some seconds, and null before the first time."""
    made = await api.made("/v1/keys", {"name": "x", "scope": "read"})

    async def last_used() -> object:
        await api.context.uses.store(api.context.database)
        _, page = await api.call("GET", "/v1/keys")
        return next(key["last_used_at"] for key in page["data"] if key["id"] == made["id"])

    before = await last_used()
    await api.call("GET", "/v1/monitors", key=made["secret"])
    first = await last_used()
    api.clock.now += 60_000
    await api.call("GET", "/v1/monitors", key=made["secret"])
    assert (before, first) == (None, "2026-09-21T14:13:20.000Z")
    assert await last_used() == "2026-09-21T14:14:20.000Z"


async def test_clock_that_is_put_back_lets_no_revoked_key_in(api):
    """What is remembered of a key ends by the steady clock too."""
    steady = 0.0
    context = replace(api.context, steady=lambda: steady)
    made = await api.made("/v1/keys", {"name": "x", "scope": "read"})
    async with TestServer(build(context)) as server:
        await server.start_server(**SERVER_OPTIONS)
        url, headers = (
            server.make_url("/v1/monitors"),
            {"Authorization": f"Bearer {made['secret']}"},
        )
        statuses = []
        for steady in (0.0, 1.0):  # noqa: B007 - read by the context
            async with api.session.get(url, headers=headers) as answer:
                statuses.append(answer.status)
            await api.context.database.write(lambda tx: revoke_key(tx, None, made["id"], 1))

    assert statuses == [200, 401]


async def test_stream_ends_with_its_key(api):
    """A stream that is open is closed once its key is revoked, also elsewhere."""
    made = await api.made("/v1/keys", {"name": "x", "scope": "read"})
    headers = {"Authorization": f"Bearer {made['secret']}"}
    async with api.session.get(f"{api.url}/v1/stream", headers=headers) as stream:
        await stream.content.readline()
        await api.context.database.write(lambda tx: revoke_key(tx, None, made["id"], 1))
        api.clock.now += 1_000
        async with asyncio.timeout(HANG_SECONDS):
            while await stream.content.readline():
                pass
