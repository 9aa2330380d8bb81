"""What machines ask without a key."""

from dataclasses import replace

from aiohttp.test_utils import TestServer

from crypitor.api import SERVER_OPTIONS, build
from tests.api.test_errors import DownDatabase


async def test_process_lives(api):
    """/healthz is 200 whatever is in trouble."""
    api.health.begin("follower ethereum", "no node answers")

    answer, alive = await api.call("GET", "/healthz")

    assert (answer.status, alive) == (200, {"status": "ok"})


async def test_ready_when_nothing_is_in_trouble(api):
    """/readyz is 200 and names the roles."""
    answer, ready = await api.call("GET", "/readyz")

    assert answer.status == 200
    roles = ["api", "monitor"]
    itself = {"id": api.context.process, "roles": roles, "troubles": {}}
    assert ready == {"status": "ready", "roles": roles, "processes": [itself]}


async def test_not_ready_says_what_is_in_trouble(api):
    """/readyz is 503 with each trouble, until it is over."""
    api.health.begin("follower ethereum", "no node answers")

    answer, problem = await api.call("GET", "/readyz")
    api.health.end("follower ethereum")
    after, _ = await api.call("GET", "/readyz")

    assert (answer.status, after.status) == (503, 200)
    assert problem["troubles"] == {"follower ethereum": "no node answers"}


async def test_not_ready_without_a_database(api):
    """/readyz asks the database itself, which no role may be using."""
    down = replace(api.context, database=DownDatabase())

    async with TestServer(build(down)) as server:
        await server.start_server(**SERVER_OPTIONS)
        async with api.session.get(server.make_url("/readyz")) as answer:
            problem = await answer.json(content_type=None)

    assert answer.status == 503
    assert problem["troubles"].keys() == {"database"}


async def test_metrics_are_prometheus_text(api):
    """/metrics is what the process renders, with Prometheus' content type."""
    answer, text = await api.call("GET", "/metrics")

    assert text == "crypitor_monitors 0\n"
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_networks_have_what_is_known(api):
    """A network is told with the configuration's facts, and null for what nobody knows."""
    _, page = await api.call("GET", "/v1/networks")
    _, one = await api.call("GET", "/v1/networks/ethereum")

    assert [network["name"] for network in page["data"]] == ["ethereum", "dev"]
    assert (one["chain_id"], one["head"], one["tip"], one["finalized"]) == (1, 100, 100, None)
    assert page["data"][1]["head"] is None
