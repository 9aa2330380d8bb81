"""Clients that generators make of the OpenAPI documents do what their users want of them."""

import json

import pytest

from crypitor.api.endpoints.ping import PING
from crypitor.api.events.told import WEBHOOKS as BODIES
from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import Notice
from crypitor.webhook.formats import Form
from crypitor.webhook.notice import notice_body
from tests.api.conftest import api, context, migrated, poster, woken  # noqa: F401 - fixtures
from tests.api.rows import insert_match
from tests.live.generators import GENERATORS, made, used
from tests.webhook.matched import DATA, NOW, body_of
from tests.webhook.test_delivery import ENDPOINT

pytestmark = [pytest.mark.live, pytest.mark.timeout(1200)]

STANDARD = Form("standard")
[COUNTED] = [json.dumps(one.example) for one in BODIES if one.type == "deliveries.counted"]
NOTICES = [notice_body(ENDPOINT, notice, STANDARD, NOW) for notice in Notice]
WEBHOOKS = [
    *(body_of(STANDARD, phase) for phase in Phase),
    body_of(STANDARD, kind="native", contract=None, event=None, log_index=None, required="safe"),
    *NOTICES,
    COUNTED,
    PING.decode(),
]
TOLD = [
    *([f"match.{phase}", DATA["id"], "USDC"] for phase in Phase),
    ["match.detected", DATA["id"], None],
    *([told["type"], ENDPOINT.id, told["data"]["reason"]] for told in map(json.loads, NOTICES)),
    ["deliveries.counted", None, None],
    ["ping", None, None],
]


def pytest_generate_tests(metafunc):
    """On SQLite alone: the document is the same everywhere."""
    if "migrated" in metafunc.fixturenames:
        metafunc.parametrize("migrated", ["sqlite"], indirect=True)


@pytest.fixture
async def documents(api):  # noqa: F811
    """Both documents, as a generator downloads them."""
    texts = {}
    for name in ("openapi.json", "openapi-3.0.json"):
        async with api.session.get(f"{api.url}/{name}") as answer:
            texts[name] = await answer.read()
    return texts


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.name)
async def test_client_makes_a_monitor_pages_and_decodes(generator, api, documents, tmp_path):  # noqa: F811
    """
    It is generated, compiles, creates and changes a monitor, pages through matches, and decodes
    every body that a webhook has.
    """
    stored = [
        await api.context.database.write(lambda tx, n=n: insert_match(tx, api.project, n))
        for n in range(1, 6)
    ]
    (tmp_path / "webhooks.json").write_text(json.dumps(WEBHOOKS))
    folder = await made(generator, tmp_path / "program", documents)

    done = await used(
        generator,
        folder,
        CRYPITOR_URL=api.url,
        CRYPITOR_KEY=api.admin,
        CRYPITOR_WEBHOOKS=str(tmp_path / "webhooks.json"),
    )

    assert done["matches"] == stored[::-1]
    assert done["webhooks"] == TOLD
    _, monitor = await api.call("GET", f"/v1/monitors/{done['monitor']}")
    assert monitor["note"] == "changed"
    assert monitor["enabled"]
    assert [rule["kind"] for rule in monitor["rules"]] == ["native", "erc20"]
    assert monitor["addresses"][1]["label"] == "hot wallet"
