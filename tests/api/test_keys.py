"""Projects and keys: what an operator and what another project's admin can do."""

from crypitor.database.keys import CONFIGURED_KEY, Scope, ensure_admin, is_mistyped

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
