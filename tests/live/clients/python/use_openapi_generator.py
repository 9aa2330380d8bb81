"""What a program does with the Python client that openapi-generator makes."""

import json
import os
from pathlib import Path
from typing import Any

from crypitorapi import (
    AddressEntry,
    ApiClient,
    Configuration,
    EndpointDisabled,
    EndpointFailing,
    EndpointMoved,
    LabelledEntry,
    MatchConfirmed,
    MatchDetected,
    MatchEnded,
    MatchesApi,
    MatchReverted,
    MonitorBody,
    MonitorBodyAddresses,
    MonitorBodyPatch,
    MonitorsApi,
    NativeRule,
    RuleBody,
    TokenRule,
    WebhookBody,
)


def make(client: ApiClient) -> str:
    body = MonitorBody(
        name="openapi-generator",
        networks=["ethereum"],
        addresses=MonitorBodyAddresses(
            [
                AddressEntry("0x00000000219ab540356cbb839cbe05303d7705fa"),
                AddressEntry(
                    LabelledEntry(
                        address="0xd8da6bf26964af9d7eed9e03e53415d37aa96045", label="hot wallet"
                    )
                ),
            ]
        ),
        rules=[
            RuleBody(NativeRule(kind="native")),
            RuleBody(TokenRule(kind="erc20", direction="in", where="amount > 5")),
        ],
    )
    monitors = MonitorsApi(client)
    monitor = monitors.create_monitor(body)
    assert monitor.armed_from is not None
    assert "ethereum" in monitor.armed_from
    changed = monitors.change_monitor(monitor.id, MonitorBodyPatch(note="changed"))
    assert len(changed.rules) == 2, changed
    return monitor.id


def matches(client: ApiClient) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = MatchesApi(client).read_matches(limit=2, cursor=cursor)
        found += [match.id for match in page.data]
        cursor = page.next_cursor
        if cursor is None:
            return found


def told(text: str) -> list[Any]:
    received = WebhookBody.from_json(text)
    assert received is not None
    body = received.actual_instance
    if isinstance(body, MatchDetected | MatchConfirmed | MatchEnded | MatchReverted):
        contract = body.data.contract
        return [body.type, body.data.id, None if contract is None else contract.symbol]
    if isinstance(body, EndpointFailing | EndpointDisabled | EndpointMoved):
        return [body.type, body.data.endpoint.id, body.data.reason]
    assert body is not None
    return [body.type, None, None]


def main() -> None:
    settings = Configuration(
        host=os.environ["CRYPITOR_URL"], access_token=os.environ["CRYPITOR_KEY"]
    )
    webhooks = json.loads(Path(os.environ["CRYPITOR_WEBHOOKS"]).read_text())
    with ApiClient(settings) as client:
        done = {
            "monitor": make(client),
            "matches": matches(client),
            "webhooks": [told(text) for text in webhooks],
        }
    print(json.dumps(done))


main()
