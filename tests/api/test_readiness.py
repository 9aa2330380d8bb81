"""What `/readyz` answers while some of the service stands still."""

from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer

from crypitor.api import SERVER_OPTIONS, build
from crypitor.api.health.readiness import readiness_of

ALL = ("api", "worker", "monitor", "webhook")
WELL = {"ethereum": None, "dev": None}


async def test_one_network_that_stands_takes_no_api_away(api):
    """The others go on: 200, with its name and why."""
    api.health.begin("worker ethereum", "no node answers")

    answer, ready = await api.call("GET", "/readyz")

    assert answer.status == 200
    assert ready["degraded"] == ["ethereum"]
    assert ready["troubles"] == {"worker ethereum": "no node answers"}


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("network=ethereum", 503),
        ("network=dev", 200),
        ("role=monitor", 200),
        ("role=api", 200),
        ("role=webhook", 404),
        ("network=dev&role=monitor", 200),
        ("network=ethereum&role=monitor", 503),
        ("network=nowhere", 404),
        ("network=../x", 400),
        ("role=cook", 400),
        ("roll=api", 400),
        ("role=api&role=monitor", 400),
    ],
)
async def test_one_network_or_role_can_be_asked_about(api, question, status):
    """503 if that one stands; what there is not, is refused with its name."""
    api.health.begin("network ethereum", "the tip 5 has not moved")

    answer, told = await api.call("GET", f"/readyz?{question}")

    assert answer.status == status
    assert told["status"] == ("ready" if status == 200 else status)
    if question == "network=ethereum":
        assert told["detail"] == "ethereum: the tip 5 has not moved"


async def test_what_other_processes_say_of_a_network_counts(api):
    """A network that waits at the process that leads it stands here too."""
    told = {"ethereum": {"state": "waiting", "trouble": "has no block 7"}}
    context = replace(api.context, status=lambda: told, roles=("api",))

    async with TestServer(build(context)) as server:
        await server.start_server(**SERVER_OPTIONS)
        async with api.session.get(server.make_url("/readyz")) as answer:
            ready = await answer.json()

    assert (answer.status, ready["degraded"]) == (200, ["ethereum"])
    assert ready["troubles"] == {"network ethereum": "has no block 7"}


@pytest.mark.parametrize(
    ("own", "ready"),
    [(ALL, False), (("worker",), False), (("monitor",), False), (("api",), True)],
)
def test_nothing_can_be_matched_where_all_networks_stand(own, ready):
    """Who matches is not ready then; an API in a process of its own can do its work."""
    troubles = {"worker ethereum": "no node answers", "worker dev reorg": "too deep"}

    found = readiness_of(troubles, WELL, own, ALL)

    assert found.ready is ready
    assert found.degraded == ["dev", "ethereum", "monitor", "worker"]


@pytest.mark.parametrize(
    ("trouble", "role"), [("monitor", "monitor"), ("index", "monitor"), ("deliveries", "webhook")]
)
def test_a_role_that_stands_counts_for_who_runs_it(trouble, role):
    """Elsewhere it is told, and nothing else."""
    here = readiness_of({trouble: "why"}, WELL, ALL)
    elsewhere = readiness_of({trouble: "why"}, WELL, ("api",), ALL)

    assert (here.ready, elsewhere.ready) == (False, True)
    assert list(here.degraded) == list(elsewhere.degraded) == [role]


@pytest.mark.parametrize("aside", ["retention", "replays", "tokens dev", "backfill dev", "gauges"])
def test_what_nobody_waits_for_makes_nobody_unready(aside):
    """Blocks are matched and webhooks sent without it."""
    assert readiness_of({aside: "why"}, WELL, ALL).ready


def test_a_role_that_no_process_runs_is_told():
    """Where several processes share the roles, one can be missing."""
    found = readiness_of({}, WELL, ("api",), ("api", "worker", "monitor"))

    assert found.degraded == ["webhook"]
    assert found.roles == {"webhook": "no process runs this role"}


def test_without_a_database_nothing_works():
    """Whoever asks, about whatever."""
    assert not readiness_of({"database": "gone"}, WELL, ("api",)).ready
