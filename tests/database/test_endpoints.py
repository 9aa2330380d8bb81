"""Endpoints in the database."""

import os
from dataclasses import replace

import pytest

from crypitor.database.endpoints import (
    delete_endpoint,
    get_endpoint,
    insert_endpoint,
    known_endpoints,
    list_endpoints,
    lock_endpoint,
    update_endpoint,
)
from crypitor.database.keys import ensure_project
from crypitor.webhook.circuit import Circuit, CircuitState
from crypitor.webhook.delivery import Digest, Endpoint, Notice, State
from crypitor.webhook.quiet import Quiet, Window
from crypitor.webhook.success import Pointed, Success


@pytest.fixture
async def endpoint(database) -> Endpoint:
    """Return a stored endpoint in which nothing has its default."""
    project = await database.write(lambda tx: ensure_project(tx, 1, os.urandom))
    endpoint = Endpoint(
        id="ep_1",
        project_id=project,
        url="https://example.com/h\u00e9",
        secret="whsec_x",
        description="d",
        headers={"A": "1"},
        ordered=True,
        rate_per_second=0.5,
        enabled=False,
        state=State.FAILING,
        state_reason="refused",
        failures_in_row=5,
        failing_since=7,
        failed_at=8,
        events=(Notice.DISABLED,),
        circuit=Circuit(CircuitState.OPEN, 3, 4, 5),
        success=Success("200", Pointed("/ok", True)),
        digest=Digest(60, 7),
        quiet=Quiet(5, 600),
        window=Window(6, 0),
        created_at=8,
        updated_at=9,
    )
    await database.write(lambda tx: insert_endpoint(tx, endpoint))
    return endpoint


async def test_endpoint_is_read_as_it_was_stored(database, endpoint):
    """Every field comes back."""
    read = await database.read(lambda tx: get_endpoint(tx, endpoint.project_id, endpoint.id))

    assert read == endpoint


async def test_update_changes_all_but_identity(database, endpoint):
    """The secret too, which a rotation replaces."""
    after = replace(endpoint, url="https://x.example", headers={}, state=State.HEALTHY, secret="y")

    await database.write(lambda tx: update_endpoint(tx, after))

    read = await database.read(lambda tx: get_endpoint(tx, endpoint.project_id, endpoint.id))
    assert read == after


async def test_other_project_finds_nothing(database, endpoint):
    """Reading, listing, locking, naming and deleting need the endpoint's own project."""
    listed = await database.read(lambda tx: list_endpoints(tx, "pr_x", 9))
    known = await database.read(lambda tx: known_endpoints(tx, "pr_x", ["ep_1"]))
    read = await database.read(lambda tx: get_endpoint(tx, "pr_x", "ep_1"))
    locked = await database.write(lambda tx: lock_endpoint(tx, "pr_x", "ep_1", 1))
    deleted = await database.write(lambda tx: delete_endpoint(tx, "pr_x", "ep_1"))

    assert (listed, known, read, locked, deleted) == ([], set(), None, None, False)


async def test_known_endpoints_are_told_from_others(database, endpoint):
    """Of a list of ids those that are endpoints come back."""
    known = await database.read(
        lambda tx: known_endpoints(tx, endpoint.project_id, ["ep_0", "ep_1", "ep_2"])
    )

    assert known == {"ep_1"}
