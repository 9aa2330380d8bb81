"""What a program does with the client that openapi-python-client makes."""

import json
import os
from pathlib import Path
from typing import Any

from client import AuthenticatedClient
from client.api.matches import read_matches
from client.api.monitors import change_monitor, create_monitor
from client.models import (
    DeliveriesCounted,
    EndpointDisabled,
    EndpointFailing,
    EndpointMoved,
    LabelledEntry,
    MatchConfirmed,
    MatchDetected,
    MatchEnded,
    MatchReverted,
    MonitorAnswer,
    MonitorBody,
    MonitorBodyPatch,
    NativeRule,
    NativeRuleKind,
    Ping,
    TokenRule,
    TokenRuleDirection,
    TokenRuleKind,
)
from client.models.match_page import MatchPage
from client.types import UNSET


def make(client: AuthenticatedClient) -> str:
    body = MonitorBody(
        name="openapi-python-client",
        networks=["ethereum"],
        addresses=[
            "0x00000000219ab540356cbb839cbe05303d7705fa",
            LabelledEntry("0xd8da6bf26964af9d7eed9e03e53415d37aa96045", "hot wallet"),
        ],
        rules=[
            NativeRule(NativeRuleKind.NATIVE),
            TokenRule(TokenRuleKind.ERC20, TokenRuleDirection.IN, where="amount > 5"),
        ],
    )
    monitor = create_monitor.sync(client=client, body=body)
    assert isinstance(monitor, MonitorAnswer), monitor
    assert not isinstance(monitor.armed_from, str)
    patch = MonitorBodyPatch(note="changed")
    changed = change_monitor.sync(monitor.id, client=client, body=patch)
    assert isinstance(changed, MonitorAnswer), changed
    assert len(changed.rules) == 2, changed
    return monitor.id


def matches(client: AuthenticatedClient) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = read_matches.sync(client=client, limit=2, cursor=cursor or UNSET)
        assert isinstance(page, MatchPage), page
        found += [match.id for match in page.data]
        cursor = page.next_cursor
        if cursor is None:
            return found


BODIES: dict[str, Any] = {
    "match.detected": MatchDetected,
    "match.confirmed": MatchConfirmed,
    "match.ended": MatchEnded,
    "match.reverted": MatchReverted,
    "endpoint.failing": EndpointFailing,
    "endpoint.disabled": EndpointDisabled,
    "endpoint.moved": EndpointMoved,
    "deliveries.counted": DeliveriesCounted,
    "ping": Ping,
}


def told(text: str) -> list[Any]:
    received = json.loads(text)
    body = BODIES[received["type"]].from_dict(received)
    if isinstance(body, MatchDetected | MatchConfirmed | MatchEnded | MatchReverted):
        contract = body.data.contract
        return [body.type_.value, body.data.id, None if contract is None else contract.symbol]
    if isinstance(body, EndpointFailing | EndpointDisabled | EndpointMoved):
        return [body.type_.value, body.data.endpoint.id, body.data.reason]
    assert isinstance(body, DeliveriesCounted | Ping)
    return [body.type_.value, None, None]


def main() -> None:
    client = AuthenticatedClient(os.environ["CRYPITOR_URL"], token=os.environ["CRYPITOR_KEY"])
    webhooks = json.loads(Path(os.environ["CRYPITOR_WEBHOOKS"]).read_text())
    with client:
        done = {
            "monitor": make(client),
            "matches": matches(client),
            "webhooks": [told(text) for text in webhooks],
        }
    print(json.dumps(done))


main()
