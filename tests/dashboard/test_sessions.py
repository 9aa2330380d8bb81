"""Who gets in, how far, and what ends it."""

import pytest

from crypitor.dashboard.build import PAGES
from crypitor.dashboard.frame.sessions import SESSION_SECONDS
from crypitor.database.keys import Scope, revoke_key

CHANGES = [route.path for pages in PAGES for route in pages.routes if route.method == "POST"]


async def test_without_a_session_every_page_leads_to_the_log_in_and_shows_nothing(api, browser):
    """The way back is kept; nothing of any project is in the answer."""
    await api.made("/v1/monitors", {"name": "Treasury", "networks": ["dev"]})
    answer = await browser.get("/monitors?search=Trea")

    assert (answer.status, answer.to) == (303, "/login?to=%2Fmonitors%3Fsearch%3DTrea")
    assert "Treasury" not in answer.html.text


async def test_a_key_opens_a_session_that_scripts_and_other_sites_cannot_use(api, browser):
    """The cookie is HttpOnly and SameSite=Strict, and does not hold the key as it is."""
    answer = await browser.log_in(api.admin)

    cookie = answer.cookies["crypitor"]
    assert (answer.status, answer.to) == (303, "/")
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert not cookie["secure"]
    assert api.admin not in cookie.value
    assert (await browser.get("/")).status == 200


async def test_a_proxy_that_is_not_trusted_makes_no_cookie_secure(api, browser):
    """Trusted ones do: `server.trusted_proxies`, in the tests of what stands before all routes."""
    answer = await browser.log_in(api.admin, **{"X-Forwarded-Proto": "https"})

    assert not answer.cookies["crypitor"]["secure"]


@pytest.mark.parametrize("key", ["", "nonsense", "ke_01m8p2ce5y1g8g6qvcd3ng48nk_" + "a" * 49])
async def test_a_wrong_key_is_told_and_opens_nothing(browser, key):
    """401 with a sentence, and no cookie."""
    answer = await browser.log_in(key)

    assert answer.status == 401
    assert 'role="alert"' in answer.html.text
    assert "crypitor" not in answer.cookies


async def test_a_cookie_that_was_changed_opens_nothing(api, admin):
    """Not one character may differ, nor may it name another key."""
    [cookie] = [one for one in admin.session.cookie_jar if one.key == "crypitor"]
    name, sealed = cookie.value.split("~")
    other = await api.made("/v1/keys", {"name": "other", "scope": "read"})
    for forged in (f"{name}~{sealed[:-2]}AA", f"{other['id']}~{sealed}", f"{name}~", name, "~"):
        admin.bring(forged)
        assert (await admin.get("/monitors")).status == 303


async def test_a_session_ends_after_its_time(api, admin):
    """Twelve hours after the log-in the key has to be given again."""
    api.clock.now += SESSION_SECONDS * 1000 - 1
    before = await admin.get("/")
    api.clock.now += 1
    after = await admin.get("/")

    assert before.status == 200
    assert (after.status, after.to) == (303, "/login?to=%2F&ended=1")


async def test_a_session_ends_with_its_key(api, browser):
    """Once the key is revoked, its sessions open nothing, in this process and in a new one."""
    made = await api.made("/v1/keys", {"name": "leaving", "scope": "write"})
    await browser.log_in(made["secret"])
    before = await browser.get("/")
    await api.call("DELETE", f"/v1/keys/{made['id']}")

    assert before.status == 200
    assert (await browser.get("/")).status == 303


async def test_a_key_revoked_elsewhere_ends_its_sessions_within_two_seconds(api, browser):
    """As for the key itself."""
    made = await api.made("/v1/keys", {"name": "leaving", "scope": "write"})
    await browser.log_in(made["secret"])
    await api.context.database.write(lambda tx: revoke_key(tx, None, made["id"], api.clock()))
    api.clock.now += 2_001

    assert (await browser.get("/")).status == 303


async def test_another_process_opens_the_same_session(api, admin, context):
    """The cookie is enough: nothing of it is kept in the process that made it."""
    from aiohttp.test_utils import TestServer

    from crypitor.api import SERVER_OPTIONS, build

    async with TestServer(build(context)) as server:
        await server.start_server(**SERVER_OPTIONS)
        [cookie] = [one.value for one in admin.session.cookie_jar if one.key == "crypitor"]
        admin.url = str(server.make_url("")).rstrip("/")
        admin.bring(cookie)
        answer = await admin.get("/monitors")

    assert answer.status == 200


async def test_signing_out_ends_the_session(api, admin):
    """The cookie is taken away, and a copy of it opens nothing more."""
    [cookie] = [one.value for one in admin.session.cookie_jar if one.key == "crypitor"]
    left = await admin.post("/logout")
    admin.bring(cookie)

    assert (left.status, left.to) == (303, "/login")
    assert (await admin.get("/")).status == 303


@pytest.mark.parametrize("path", CHANGES)
async def test_a_change_needs_the_token_of_its_session(admin, path):
    """Neither none, nor a wrong one, nor that of another session will do."""
    where = path.replace("{id}", "mo_x").replace("{place}", "0").replace("{name}", "dev")
    streams = {"data": _multipart("no")} if path.endswith("/addresses") else {}
    for token in ("", "no", "A" * 43):
        answer = await admin.post(where, {"name": "x"}, token=token, **streams)
        streams = {"data": _multipart(token)} if streams else {}
        assert answer.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_change_that_another_site_asks_for_is_refused(admin, headers):
    """Even with the right token."""
    answer = await admin.post("/projects", {"name": "theirs"}, headers=headers)

    assert answer.status == 403


async def test_the_log_in_leads_nowhere_else(api, browser):
    """A path of this service is kept; what would lead elsewhere is not."""
    led = []
    for to in (
        "/matches?kind=erc20",
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "",
    ):
        async with browser.session.post(
            f"{api.url}/login", data={"key": api.admin, "to": to}, allow_redirects=False
        ) as answer:
            led.append(answer.headers["Location"])

    assert led == ["/matches?kind=erc20", "/", "/", "/", "/"]


async def test_a_link_from_another_site_finds_the_session(admin):
    """Strict cookies do not come with it: the page asks itself again, which is not from there."""
    admin.session.cookie_jar.clear()
    answer = await admin.get("/matches", **{"Sec-Fetch-Site": "cross-site"})
    again = await admin.get("/matches?again=1", **{"Sec-Fetch-Site": "cross-site"})

    assert answer.status == 200
    assert 'content="0;url=/matches?again=1"' in answer.html.text
    assert again.status == 303


async def test_a_read_key_sees_no_buttons_and_can_press_none(api, browser):
    """Its pages hold no form that changes anything but itself; a forged one is refused."""
    monitor = await api.made("/v1/monitors", {"name": "m", "networks": ["dev"]})
    endpoint = await api.made("/v1/endpoints", {"url": "https://example.com/hook"})
    await browser.log_in(await api.key(Scope.READ))
    actions = set()
    for path in (
        "/",
        "/monitors",
        f"/monitors/{monitor['id']}",
        "/endpoints",
        f"/endpoints/{endpoint['id']}",
        "/matches",
        "/deliveries",
        "/networks",
        "/networks/dev",
        "/about",
    ):
        answer = await browser.get(path)
        assert answer.status == 200
        actions |= {form["action"] for form in answer.html.forms if form["method"] == "post"}
        assert not [link for link in answer.html.links if link.endswith(("/new", "/edit"))]
    pressed = [
        (await browser.post(path)).status
        for path in (
            f"/monitors/{monitor['id']}/delete",
            f"/endpoints/{endpoint['id']}/rotate",
            "/keys",
        )
    ]

    assert actions == {"/theme", "/logout"}
    assert pressed == [403, 403, 403]
    assert (await browser.get("/monitors/new")).status == 403
    assert (await browser.get("/keys")).status == 403
    assert (await api.call("GET", f"/v1/monitors/{monitor['id']}"))[0].status == 200


async def test_nothing_of_another_project_is_shown(api, browser, stranger):
    """Its pages are the same as those of what does not exist, and its lists are empty."""
    monitor = await api.made("/v1/monitors", {"name": "secret treasury", "networks": ["dev"]})
    endpoint = await api.made("/v1/endpoints", {"url": "https://secret.example/hook"})
    await browser.log_in(stranger)
    shown = [
        await browser.get(path)
        for path in ("/", "/monitors", "/endpoints", "/matches", "/deliveries", "/keys")
    ]
    single = [
        (await browser.get(path)).status
        for path in (
            f"/monitors/{monitor['id']}",
            f"/monitors/{monitor['id']}/edit",
            f"/endpoints/{endpoint['id']}",
        )
    ]
    changed = [
        (await browser.post(f"/monitors/{monitor['id']}/{what}", {"enabled": "false"})).status
        for what in ("enabled", "delete", "resumed")
    ]

    assert not any("secret" in answer.html.words for answer in shown)
    assert single == [404, 404, 404]
    assert changed == [404, 404, 404]
    assert (await api.call("GET", f"/v1/monitors/{monitor['id']}"))[1]["enabled"] is True


async def test_without_keys_only_this_machine_by_its_own_name_is_answered(open_browser):
    """A web page cannot reach it through a name of its own, nor press its buttons."""
    seen = await open_browser.get("/")
    foreign = await open_browser.get("/", Host="rebound.example")
    pressed = await open_browser.post(
        "/projects", {"name": "x"}, headers={"Origin": "http://evil.example"}
    )
    own = await open_browser.post("/projects", {"name": "x"}, headers={"Origin": open_browser.url})
    without = await open_browser.post("/projects", {"name": "x"}, token="")

    assert [seen.status, foreign.status, pressed.status, own.status, without.status] == [
        200,
        403,
        403,
        303,
        403,
    ]


def _multipart(token: str):
    from aiohttp import FormData

    form = FormData(default_to_multipart=True)
    form.add_field("token", token)
    form.add_field("pasted", "0x" + "11" * 20)
    return form


async def test_wrong_keys_at_the_log_in_are_counted(api, browser):
    """As those in a header are, so that guessing gets no easier by this way."""
    refused = []
    object.__setattr__(api.context, "refused", refused.append)
    for _ in range(3):
        await browser.log_in("nonsense")

    assert refused == ["wrong_key"] * 3
