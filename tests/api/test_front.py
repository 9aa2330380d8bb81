"""What stands before all routes: names, proxies, pages of other sites, and what strangers are shown."""

from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict, CIMultiDictProxy

from crypitor.api import SERVER_OPTIONS, build
from crypitor.api.build import build_metrics
from crypitor.api.serving.front import FORWARDING, Front, is_foreign, is_this_machine
from crypitor.api.serving.starting import starting
from crypitor.database.keys import Scope
from crypitor.database.limits import Limits

PATHS = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/v1/keys", "/", "/no/such", "/static/page.css", "/login")  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT")
LOCAL = Front()
CLOSED = Front(open_to="nobody")
PROXIED = Front(proxies=(ip_network("127.0.0.0/8"),), hosts=frozenset({"monitor.example"}))


@asynccontextmanager
async def served(api, front=LOCAL, *, make=build, **changes):
    """Serve the application with another front; gives a function that asks it."""
    async with TestServer(make(replace(api.context, front=front, **changes))) as server:
        await server.start_server(**SERVER_OPTIONS)

        async def ask(path, method="GET", key=None, **headers):
            if key:
                headers["Authorization"] = f"Bearer {key}"
            options = {"headers": headers, "allow_redirects": False}
            async with api.session.request(method, server.make_url(path), **options) as answer:
                return answer, await answer.text()

        yield ask


def headers(*pairs):
    return CIMultiDictProxy(CIMultiDict(pairs))


FOREIGN = [
    *({name: "192.0.2.1"} for name in sorted(FORWARDING)),
    {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-Proto": "https"}, {"X-Forwarded-Anything": "1"},
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:1"},
    {"Origin": "http://["}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "anything"}, {"Host": "evil.example"}, {"Host": "10.0.0.1"},
    {"Host": "127.0.0.1.evil.example"}, {"Host": ""},
]  # fmt: skip


async def test_without_keys_all_that_is_not_of_this_machine_is_refused(api):
    """Every forwarding header, foreign origin, other site and other host, for each path and method."""
    let_in = []
    async with served(api, auth=False) as ask:
        cases = [(foreign, "/v1/keys", "GET") for foreign in FOREIGN]
        for path in PATHS:
            cases += [({"Sec-Fetch-Site": "cross-site"}, path, method) for method in METHODS]
            cases += [({"Via": "1.1 proxy"}, path, "GET"), ({"Host": "evil.example"}, path, "GET")]
        for foreign, path, method in cases:
            answer, _ = await ask(path, method, **foreign)
            if answer.status != 403:
                let_in.append((foreign, path, method, answer.status))

    assert let_in == []


@pytest.mark.parametrize("path", PATHS)
async def test_without_keys_this_machine_itself_is_answered(api, path):
    """A program without such headers, and our own page."""
    async with served(api, auth=False) as ask:
        plain, _ = await ask(path)
        own, _ = await ask(path, **{"Sec-Fetch-Site": "same-origin"})
        typed, _ = await ask(path, **{"Sec-Fetch-Site": "none"})

    assert plain.status == own.status == typed.status != 403


@pytest.mark.parametrize(
    "host, here",
    [
        ("localhost", True), ("LOCALHOST:80", True), ("localhost.", True), ("127.9.9.9:1", True),
        ("[::1]:8080", True), ("[::ffff:127.0.0.1]", True), ("10.0.0.1", False), ("0.0.0.0", False),
        ("localhost.evil.example", False), ("127.0.0.1.nip.io", False), ("", False),
        ("evil.example:80", False),
    ],
)  # fmt: skip
def test_a_host_names_this_machine(host, here):
    """By loopback addresses and by localhost alone."""
    assert is_this_machine(host) is here


@pytest.mark.parametrize(
    "pairs, foreign",
    [
        ([], False), ([("Sec-Fetch-Site", "same-origin")], False), ([("Sec-Fetch-Site", "none")], False),
        ([("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")], True),
        ([("Origin", "http://localhost:8080")], False), ([("Origin", "http://LOCALHOST:8080")], False),
        ([("Origin", "http://localhost:8081")], True), ([("Origin", "null")], True), ([("Origin", "")], True),
    ],
)  # fmt: skip
def test_a_page_of_another_site_is_one(pairs, foreign):
    """By what browsers send with a request, which pages cannot change."""
    assert is_foreign("localhost:8080", headers(*pairs)) is foreign


DETAILS = ("/metrics", "/openapi.json", "/openapi-3.0.json", "/readyz?network=ethereum")


async def test_strangers_are_told_whether_it_is_ready_and_no_more(api):
    """Not why, of which network, of which other processes; and neither numbers nor the document."""
    api.health.begin("worker ethereum", "node.inside refuses the key")
    async with served(api, CLOSED) as ask:
        answer, text = await ask("/readyz")
        api.health.begin("monitor", "db.inside is away")
        unready, why = await ask("/readyz")
        refused = [(await ask(path))[0].status for path in DETAILS]

    assert answer.status == 200
    assert text == '{"status":"ready","roles":["api","monitor"],"processes":[]}'
    assert unready.status == 503
    assert "inside" not in why
    assert refused == [401, 401, 401, 401]


async def test_a_key_of_the_operator_is_shown_what_is_of_all(api, stranger):
    """Whatever its scope; one of another project reads the document alone."""
    reader = await api.key(Scope.READ)
    async with served(api, CLOSED) as ask:
        own = [(await ask(path, key=reader))[0].status for path in DETAILS]
        others = [(await ask(path, key=stranger))[0].status for path in DETAILS]
        wrong = [(await ask(path, key="ke_wrong"))[0].status for path in DETAILS]

    assert own == [200, 200, 200, 200]
    assert others == [403, 200, 200, 403]
    assert wrong == [401, 401, 401, 401]


@pytest.mark.parametrize(
    "sent, front",
    [
        ({"X-Forwarded-For": "192.0.2.1"}, LOCAL), ({"Host": "monitor.example"}, LOCAL),
        ({"Sec-Fetch-Site": "cross-site"}, LOCAL), ({"Origin": "http://evil.example"}, LOCAL),
        ({}, PROXIED), ({"X-Forwarded-For": "127.0.0.1"}, PROXIED), ({}, CLOSED),
    ],
)  # fmt: skip
async def test_what_comes_through_a_proxy_or_a_page_is_not_of_this_machine(api, sent, front):
    """Though the connection comes from it."""
    async with served(api, front) as ask:
        answer, _ = await ask("/metrics", **sent)

    assert answer.status == 401


async def test_the_metrics_have_a_port_of_their_own(api):
    """On which all that is asked of the service is shown to everybody, and nothing else."""
    async with served(api, CLOSED, make=build_metrics) as ask:
        shown = [(await ask(path))[0].status for path in ("/readyz", "/healthz", *DETAILS)]
        other = [(await ask(path, key=api.admin))[0].status for path in ("/v1/keys", "/", "/login")]

    assert shown == [200] * 6
    assert other == [404] * 3


async def test_while_it_starts_strangers_are_not_told_what_it_waits_for(api):
    """Names of databases stand in it."""
    api.health.begin("database", "db.inside refuses")
    for front, told in ((LOCAL, True), (CLOSED, False)):
        async with (
            TestServer(starting(api.health, front)) as server,
            api.session.get(server.make_url("/readyz")) as answer,
        ):
            text = await answer.text()

        assert answer.status == 503
        assert ("inside" in text) is told


@pytest.mark.parametrize(
    "host, status",
    [
        ("monitor.example", 200), ("MONITOR.example:8443", 200), ("monitor.example.", 200),
        ("127.0.0.1", 200), ("localhost:1", 200), ("[2001:db8::1]:80", 200),
        ("evil.example", 421), ("monitor.example.evil", 421),
    ],
)  # fmt: skip
async def test_only_names_of_its_own_are_answered(api, host, status):
    """Where they are configured: so no page of another site reaches it by a name that it made up."""
    async with served(api, Front(hosts=frozenset({"monitor.example"}))) as ask:
        for path in ("/healthz", "/readyz", "/login", "/v1/monitors"):
            answer, _ = await ask(path, key=api.admin, Host=host)

            assert answer.status == status, path


@pytest.mark.parametrize(
    "sent, client",
    [
        ([], "10.0.0.1"), (["192.0.2.1"], "192.0.2.1"), (["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        (["6.6.6.6", "192.0.2.1, 10.0.0.2"], "192.0.2.1"), (["192.0.2.1:4711"], "192.0.2.1"),
        (["[2001:db8::1]:4711"], "2001:db8::1"), (["unknown"], "10.0.0.1"),
        (["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"), (["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        (["::ffff:192.0.2.1"], "192.0.2.1"), (["1.1.1.1," * 5000], "10.0.0.1"),
    ],
)  # fmt: skip
def test_the_client_is_whom_the_last_trusted_proxy_saw(sent, client):
    """What stands before that in the header may be anybody's."""
    front = Front(proxies=(ip_network("10.0.0.0/8"),))

    assert (
        front.client_of("10.0.0.1", headers(*(("X-Forwarded-For", one) for one in sent))) == client
    )


async def test_only_a_trusted_proxy_says_who_asks(api):
    """The audit and the cookie follow it, and nobody else; the name that it was called by is checked."""
    sent = {"X-Forwarded-For": "6.6.6.6, 192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "monitor.example"}  # fmt: skip
    seen = {}
    for front in (PROXIED, LOCAL):
        async with TestServer(build(replace(api.context, front=front))) as server:
            await server.start_server(**SERVER_OPTIONS)
            await api.session.post(
                server.make_url("/v1/keys"), json={"name": "x"},
                headers={"Authorization": f"Bearer {api.admin}", **sent},
            )  # fmt: skip
            entered = await api.session.post(
                server.make_url("/login"), data={"key": api.admin}, headers=sent, allow_redirects=False
            )  # fmt: skip
        _, page = await api.call("GET", "/v1/audit?limit=1")
        seen[front] = page["data"][0]["address"], "Secure" in entered.headers["Set-Cookie"]
    async with served(api, PROXIED) as ask:
        evil, _ = await ask("/healthz", **{**sent, "X-Forwarded-Host": "evil.example"})

    assert seen == {PROXIED: ("192.0.2.7", True), LOCAL: ("127.0.0.1", False)}
    assert evil.status == 421


EVERY = {
    "Content-Security-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy", "Server",
    "X-Content-Type-Options", "X-Frame-Options", "Cache-Control", "X-Request-Id",
}  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/v1/monitors", "/v1/no", "/", "/login", "/static/page.css", "/docs", "/v1/stream", "/v1/audit.ndjson"]
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_every_answer_has_the_same_headers(api, path, method):
    """Those that keep browsers from doing more with it; and none that tells versions."""
    answer, _ = await api.call(method, path)

    assert answer.headers.keys() >= EVERY
    assert answer.headers["Server"] == "crypitor"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert not {"X-Powered-By", "Via"} & answer.headers.keys()


APP = "https://app.example"


async def test_pages_of_configured_origins_may_call_the_api(api):
    """Also where they are refused; no other origin is named, and cookies are never meant."""
    ask_first = {"Access-Control-Request-Method": "POST"}
    async with served(api, Front(origins=frozenset({APP}))) as ask:
        preflight, _ = await ask("/v1/monitors", "OPTIONS", Origin=APP, **ask_first)
        foreign, _ = await ask(
            "/v1/monitors", "OPTIONS", Origin="https://evil.example", **ask_first
        )
        answers = [
            (await ask(path, key=key, Origin=APP))[0]
            for path, key in (("/v1/monitors", api.admin), ("/v1/monitors", None), ("/v1/no", None))
        ]
        other, _ = await ask("/v1/monitors", key=api.admin, Origin="https://evil.example")

    assert preflight.status == 204
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert [answer.status for answer in answers] == [200, 401, 404]
    for answer in (preflight, *answers):
        assert answer.headers["Access-Control-Allow-Origin"] == APP
        assert "Access-Control-Allow-Credentials" not in answer.headers
    assert foreign.status == 405
    for answer in (foreign, other):
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_answers_say_what_the_project_may_still_ask(api):
    """By the fields of the IETF's draft, and Retry-After once it may ask no more."""
    async with served(api, limits=Limits(requests_per_second=2)) as ask:
        answers = [(await ask("/v1/monitors", key=api.admin))[0] for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"project";q=2;w=1'}
    assert [answer.headers["RateLimit"][:13] for answer in answers] == [f'"project";r={n}' for n in (1, 0, 0)]  # fmt: skip
    assert answers[2].headers["Retry-After"] == "1"
