"""What an operator does on the pages: keys replaced, settings read again, the audit taken along."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from aiohttp.test_utils import TestServer

from crypitor.api import SERVER_OPTIONS, build
from crypitor.database.keys import Scope
from crypitor.errors import ConfigError
from tests.api.rows import insert_delivery
from tests.dashboard.conftest import Browser

SECRET = re.compile(r"ke_[0-9a-z]{26}_[0-9A-Za-z]{49}")


async def test_a_key_is_replaced_and_the_old_one_opens_for_a_while(api, admin):
    """The new secret is shown once."""
    old = await api.key(Scope.READ)
    await admin.get("/keys")
    made = await admin.post(f"/keys/{old.rsplit('_', 1)[0]}/rotate")
    [new] = set(SECRET.findall(made.html.text))
    opened = [(await api.call("GET", "/v1/monitors", key=key))[0].status for key in (old, new)]

    assert made.status == 200
    assert new != old
    assert opened == [200, 200]
    assert new not in (await admin.get("/keys")).html.text


async def test_the_audit_is_taken_along(api, admin):
    """As lines, as far as the filters leave it."""
    await api.made("/v1/endpoints", {"url": "https://example.com/hook"})
    page = (await admin.get("/audit?action=endpoint.create&since=1h")).html
    [link] = [each for each in page.links if each.startswith("/audit/export")]
    lines = (await admin.get(link)).html.text.splitlines()

    assert [json.loads(line)["action"] for line in lines] == ["endpoint.create"]


@pytest.fixture
async def reloading(api):
    """A browser on the application whose configuration is read again as `found` says."""
    found = SimpleNamespace(changed=["networks.base"], restart=["database.url"], wrong=False)

    async def reload():
        if found.wrong:
            raise ConfigError("config.toml", ["server.port: is no number"])
        return found

    async with TestServer(build(replace(api.context, reload=reload))) as server:
        await server.start_server(**SERVER_OPTIONS)
        browser = Browser(str(server.make_url("")).rstrip("/"))
        browser.found = found
        yield browser
        await browser.session.close()


async def test_settings_are_read_again(api, reloading):
    """It is told what is in force, and what waits; a mistake changes nothing and is told."""
    await reloading.log_in(api.admin)
    done = await reloading.post("/settings/reload")
    told = (await reloading.get(done.to)).html.words
    reloading.found.wrong = True
    refused = await reloading.post("/settings/reload")

    assert "In force: networks.base. At the next start: database.url." in told
    assert refused.status == 400
    assert "is no number" in refused.html.words


async def test_the_log_is_heard_from_another_level_on(api, admin):
    """Of those that there are."""
    await admin.get("/settings")
    done = await admin.post("/settings/log-level", {"level": "warning"})
    refused = await admin.post("/settings/log-level", {"level": "loud"})

    assert "The log has warning and worse" in (await admin.get(done.to)).html.words
    assert refused.status == 400


@pytest.mark.parametrize("path", ["/settings/reload", "/settings/log-level"])
async def test_only_operators_change_how_the_process_works(api, browser, path):
    """Not the admin of another project."""
    project = await api.made("/v1/projects", {"name": "other"})
    await browser.log_in(await api.key(Scope.ADMIN, project["id"]))
    await browser.get("/keys")

    assert (await browser.post(path, {"level": "debug"})).status == 403


async def test_the_last_errors_of_an_endpoint_are_on_its_page(api, admin):
    """What was answered and what was not, newest first, each with its delivery."""
    endpoint = await api.made("/v1/endpoints", {"url": "https://example.com/hook"})
    now = api.clock()

    async def unit(tx):
        delivery = await insert_delivery(tx, api.project, 1, endpoint_id=endpoint["id"])
        for number, (code, error) in enumerate(((503, "503 Busy"), (None, "timed out"), (200, None)), 11):  # fmt: skip
            await tx.run(
                """insert into attempts (delivery_id, number, started_at, duration_ms, status_code,
                        error, answer, project_id)
                    values (:id, :number, :at, 1500, :code, :error, '', :project)""",
                id=delivery, number=number, at=now - 10_000 + number, code=code, error=error,
                project=api.project,
            )  # fmt: skip
        await tx.run(
            """insert into statistics (project_id, kind, subject, span, at, detected, confirmed,
                    reverted, delivered, failed, cancelled, taken, refused, unanswered,
                    success_count, success_ms, first_count, first_ms, success_buckets, first_buckets)
                values (:project, 'endpoint', :id, 'minute', :at, 0, 0, 0, 0, 0, 0, 1, 1, 1,
                    0, 0, 0, 0, '{}', '{}')""",
            project=api.project, id=endpoint["id"], at=now - now % 60_000,
        )  # fmt: skip
        return delivery

    delivery = await api.context.database.write(unit)
    page = (await admin.get(f"/endpoints/{endpoint['id']}")).html
    errors = page.words.partition("Last errors")[2].partition("Signature")[0]

    assert f"/deliveries/{delivery}" in page.links
    assert errors.index("timed out") < errors.index("503 Busy")
    assert "1.5 s" in errors
    assert "200" not in errors
