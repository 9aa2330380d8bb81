"""Projects: seen, made, limited, and worked in by an operator."""

import re

import pytest

from crypitor.database.keys import Scope


@pytest.fixture
async def other(api):
    """Another project with a monitor, and an admin key of it."""
    project = await api.made("/v1/projects", {"name": "Second <b>team</b>"})
    secret = await api.key(Scope.ADMIN, project["id"])
    body = {"name": "Theirs", "networks": ["ethereum"], "addresses": ["0x" + "ab" * 20]}
    made = await api.made("/v1/monitors", body, key=secret)
    return {**project, "secret": secret, "monitor": made["id"]}


async def test_an_operator_works_in_another_project_and_leaves_it(api, admin, other):
    """Its monitors are seen and changed, what the audit has is that project's, until it is left."""
    assert "Theirs" not in (await admin.get("/monitors")).html.words
    await admin.get("/projects")
    entered = await admin.post(f"/projects/{other['id']}/enter")
    page = (await admin.get("/monitors")).html
    await admin.post(f"/monitors/{other['monitor']}/enabled", {"enabled": "false"})
    paused = (await api.call("GET", f"/v1/monitors/{other['monitor']}", key=other["secret"]))[1]
    audit = (await api.call("GET", "/v1/audit", key=other["secret"]))[1]["data"]
    await admin.get("/")
    await admin.post("/projects/leave")
    after = (await admin.get("/monitors")).html

    assert entered.status == 303
    assert "Theirs" in page.words
    assert "In the project Second &lt;b&gt;team&lt;/b&gt;" in page.words
    assert paused["enabled"] is False
    assert audit[0]["action"] == "monitor.change"
    assert audit[0]["project"] == other["id"]
    assert "Theirs" not in after.words
    assert "In the project" not in after.words


async def test_nobody_else_gets_into_another_project(api, browser, other):
    """An admin of another project: neither by the button nor with the cookie."""
    await browser.log_in(other["secret"])
    refused = await browser.post(f"/projects/{api.project}/enter")
    browser.session.cookie_jar.update_cookies({"project": api.project})
    mine = (await browser.get("/monitors")).html.words
    projects = (await browser.get("/projects")).html

    assert refused.status == 403
    assert "Theirs" in mine
    assert api.project not in projects.text
    assert "Make a project" not in projects.words


async def test_a_project_that_is_gone_is_worked_in_no_more(api, admin, other):
    """The session is in its own project again."""
    await admin.get("/projects")
    await admin.post(f"/projects/{other['id']}/enter")
    await api.call("DELETE", f"/v1/projects/{other['id']}")

    assert "In the project" not in (await admin.get("/")).html.words


async def test_a_project_is_made_limited_and_deleted(api, admin):
    """With what is wrong told on the page."""
    await admin.get("/projects")
    made = await admin.post("/projects", {"name": "Third"})
    page = (await admin.get("/projects")).html
    [third] = [
        each["id"]
        for each in (await api.call("GET", "/v1/projects"))[1]["data"]
        if each["name"] == "Third"
    ]
    wrong = await admin.post(f"/projects/{third}/change", {"name": "Third", "monitors": "many"})
    await admin.get("/projects")
    await admin.post(
        f"/projects/{third}/change",
        {"name": "Third", "monitors": "5", "requests_per_second": "2.5"},
    )
    limits = (await api.call("GET", f"/v1/projects/{third}"))[1]["limits"]
    await admin.get("/projects")
    await admin.post(f"/projects/{third}/delete")
    status = (await api.call("GET", f"/v1/projects/{third}"))[0].status

    assert made.status == 303
    assert "Third" in page.words
    assert wrong.status == 400
    assert "/limits/monitors" in wrong.html.words
    assert limits["monitors"] == 5
    assert limits["requests_per_second"] == 2.5
    assert limits["addresses"] is None
    assert status == 404


async def test_a_browser_is_told_by_a_page_that_there_is_none(api, admin, browser):
    """Unknown paths, and ways that a path has not; programs get a problem document."""
    html = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    unknown = await browser.get("/nope<script>", **html)
    wrong_way = await browser.get("/logout", **html)
    program = await browser.get("/nope", Accept="*/*")
    of_the_api = await browser.get("/v1/nope", **html)

    assert unknown.status == 404
    assert "There is no page here" in unknown.html.words
    assert "<script>" not in unknown.html.text.replace("<script src", "")
    assert "default-src" in unknown.headers["Content-Security-Policy"]
    assert wrong_way.status == 405
    assert wrong_way.headers["Allow"] == "POST"
    assert program.headers["Content-Type"].startswith("application/problem+json")
    assert of_the_api.headers["Content-Type"].startswith("application/problem+json")


async def test_the_navigation_has_what_the_key_may_see(api, admin, browser):
    """A key that reads sees no keys, projects, audit and settings."""
    everything = (await admin.get("/")).html
    await browser.log_in(await api.key(Scope.READ))
    little = (await browser.get("/")).html

    def places(page):
        return re.findall(r'<a href="(/\w*)" data-key', page.text)

    assert set(places(everything)) - set(places(little)) == {
        "/keys",
        "/projects",
        "/audit",
        "/settings",
    }
    assert "/jobs" in places(little)
