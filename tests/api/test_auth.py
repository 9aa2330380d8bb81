"""Keys: who gets in, how far, and how long."""

import hashlib
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer

from crypitor.api import SERVER_OPTIONS, build
from crypitor.api.build import OPERATIONS
from crypitor.api.serving.guesses import WINDOW_MS
from crypitor.database.keys import Scope, revoke_key

PROTECTED = [operation for operation in OPERATIONS if operation.scope is not None]


OPERATORS = ("/keys", "/projects", "/audit", "/reload", "/log-level", "/resume")
"""Parts of the paths that are for admins alone."""


def path_of(operation) -> str:
    """Return a path of an operation, of things that do not exist."""
    return operation.path.format(
        id=operation.id_prefix + "0" * 26, address="0x" + "a" * 40, name="x"
    )


@pytest.mark.parametrize(
    "header", [None, "Basic YTpi", "Bearer", "Bearer nonsense", "Bearer a b", "Bearer \u00e9"]
)
async def test_nothing_without_a_key(api, header):
    """Each operation below /v1 answers 401 with WWW-Authenticate to whoever has no good key."""
    headers = {"Authorization": header} if header else {}

    for operation in PROTECTED:
        async with api.session.request(
            operation.method, api.url + path_of(operation), headers=headers
        ) as answer:
            assert (operation.name, answer.status) == (operation.name, 401)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), operation.name
            assert answer.content_type == "application/problem+json", operation.name
        # Many wrong keys of ten minutes wait; test_guesses.py and the doors' tests have that.
        api.clock.now += WINDOW_MS


@pytest.mark.parametrize("scope", Scope)
async def test_scope_decides_how_far(api, scope):
    """A key below the operation's scope is 403, one that reaches it is let through."""
    key = await api.key(scope)

    for operation in PROTECTED:
        answer, _ = await api.call(operation.method, path_of(operation), key=key)
        refused = (operation.name, answer.status == 403)
        assert refused == (operation.name, scope < operation.scope)


@pytest.mark.parametrize("operation", PROTECTED, ids=lambda operation: operation.name)
def test_scopes_fit_the_methods(operation):
    """Reading needs read scope but for secrets and what is an operator's; changing needs more."""
    expected = Scope.READ if operation.method == "GET" else Scope.WRITE
    if any(part in operation.path for part in OPERATORS):
        expected = Scope.ADMIN
    elif operation.path.endswith("/secret"):
        expected = Scope.WRITE

    assert operation.scope is expected


async def test_mistyped_key_is_told_from_an_unknown_one(api):
    """A key of our form with a wrong checksum is refused with a sentence about typing."""
    wrong = api.admin[:-1] + ("a" if api.admin[-1] != "a" else "b")

    answer, problem = await api.call("GET", "/v1/monitors", key=wrong)

    assert answer.status == 401
    assert "mistyped" in problem["detail"]


async def test_secret_is_not_in_the_database(api):
    """Of a key only the SHA-256 is stored."""
    stored = await api.context.database.read(lambda tx: tx.all("select * from api_keys"))

    assert [row["secret_hash"] for row in stored] == [
        hashlib.sha256(api.admin.encode()).hexdigest()
    ]
    assert api.admin not in str(stored)


async def test_revoked_key_opens_nothing_at_once(api):
    """A key that was just used is refused right after its revocation."""
    made = await api.made("/v1/keys", {"name": "x", "scope": "read"})
    before, _ = await api.call("GET", "/v1/monitors", key=made["secret"])

    await api.call("DELETE", f"/v1/keys/{made['id']}")

    after, _ = await api.call("GET", "/v1/monitors", key=made["secret"])
    assert (before.status, after.status) == (200, 401)


async def test_key_revoked_elsewhere_opens_nothing_after_two_seconds(api):
    """What another process revokes is remembered as good for two seconds at most."""
    made = await api.made("/v1/keys", {"name": "x", "scope": "read"})
    await api.call("GET", "/v1/monitors", key=made["secret"])
    await api.context.database.write(lambda tx: revoke_key(tx, None, made["id"], 1))
    api.clock.now += 2_000

    answer, _ = await api.call("GET", "/v1/monitors", key=made["secret"])

    assert answer.status == 401


@pytest.fixture
async def open_url(context):
    """Return the address of an application without keys."""
    async with TestServer(build(replace(context, auth=False))) as server:
        await server.start_server(**SERVER_OPTIONS)
        yield server.make_url("")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "localhost:8080", "[::1]:8080", "LOCALHOST"]
)
async def test_without_auth_this_machine_is_let_in(open_url, api, host):
    """With auth off a request that calls this machine by its name needs no key."""
    async with api.session.get(open_url / "v1/keys", headers={"Host": host}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil"]
)
async def test_without_auth_no_other_name_leads_in(open_url, api, host):
    """With auth off a web page's own DNS name that leads to this machine is refused."""
    async with api.session.get(open_url / "v1/keys", headers={"Host": host}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "BeArEr"])
async def test_a_scheme_is_one_in_any_case(api, scheme):
    """RFC 9110, section 11.1."""
    headers = {"Authorization": f"{scheme} {api.admin}"}
    async with api.session.get(f"{api.url}/v1/monitors", headers=headers) as answer:
        assert answer.status == 200
