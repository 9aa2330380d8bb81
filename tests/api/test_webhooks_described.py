"""What webhooks and events are said to have is what they have."""

import json
from dataclasses import replace

import jsonschema
import msgspec
import pytest

from crypitor.api.build import described
from crypitor.api.endpoints.ping import PING
from crypitor.database.events import NewEvent, log_events
from crypitor.evm.types import Header, Withdrawal
from crypitor.monitor.gauges import Standing, gauges_of, look
from crypitor.monitor.index import Index
from crypitor.monitor.match import find_matches
from crypitor.monitor.models import Direction, Kind, Phase, rule_of
from crypitor.monitor.prepared import prepare
from crypitor.webhook.body import body, document
from crypitor.webhook.delivery import Notice, State
from crypitor.webhook.formats import Form
from crypitor.webhook.notice import notice_body
from tests import recorded
from tests.api.rows import insert_match
from tests.monitor.test_match import MONITOR
from tests.webhook.test_delivery import ENDPOINT, NOW

DOCUMENT = described()
TRANSFER = "event Transfer(address indexed from, address indexed to, uint256 value)"
CALL = "function transfer(address to, uint256 amount)"
STATE = {Kind.BALANCE, Kind.VIEW}
RULES = {
    **{kind: rule_of(kind) for kind in Kind if kind not in (Kind.EVENT, Kind.CALL, *STATE)},
    Kind.EVENT: rule_of(Kind.EVENT, signature=TRANSFER),
    Kind.CALL: rule_of(Kind.CALL, signature=CALL),
}
RECORDED = {*Kind} - {Kind.INTERNAL} - STATE  # without traces, and without a look at the state


def strict(schema):
    """Return a schema in which an object has no members but those that are told of."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


COMPONENTS = {"schemas": strict(DOCUMENT["components"]["schemas"])}


def check(name: str, told: object) -> None:
    """Hold what is told against a component: it has what is promised, and nothing else."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": COMPONENTS}
    jsonschema.Draft202012Validator(schema).validate(told)


def hook(told: dict) -> str:
    """Return the name of the component of a webhook's body."""
    content = DOCUMENT["webhooks"][told["type"]]["post"]["requestBody"]["content"]
    return content["application/json"]["schema"]["$ref"].rpartition("/")[2]


@pytest.fixture(scope="module")
def matches():
    """One match of each kind in recorded blocks."""
    index = Index()
    index.put(replace(MONITOR, rules=tuple(RULES.values()), any_address=True))
    found = {}
    for recording in recorded.documents(1):
        listed = recording["block"].get("withdrawals", ())
        block = msgspec.structs.replace(
            recorded.as_block(recording),
            withdrawals=msgspec.convert(listed, tuple[Withdrawal, ...]),
        )
        for match in find_matches(block, "ethereum", 1, index):
            found.setdefault((match.subject.kind, match.direction), match)
        if {kind for kind, _ in found} >= RECORDED:
            break
    return found.values()


@pytest.fixture(scope="module")
def seen():
    """One match of each kind that a look at the state tells."""
    rules = (
        rule_of(Kind.BALANCE, where="balance < 5 ether"),
        rule_of(
            Kind.VIEW,
            contracts=frozenset(["0x" + "d4" * 20]),
            signature="function latest() view returns (uint80 round, int256 price)",
            where="result.price == 4",
        ),
    )
    answers = ("0x" + f"{4:064x}", "0x" + f"{1:064x}{4:064x}")
    found = []
    for rule, answer in zip(rules, answers, strict=True):
        monitor = replace(MONITOR, rules=(rule,))
        [gauge] = gauges_of(monitor, prepare(rule), "ethereum", [("0x" + "a1" * 20, "hot")])
        looked = look(gauge, Standing(), Header(7, "0x" + "a" * 64, "0x" + "b" * 64, 1), 1, answer)
        found.append(looked.match)
    return found


@pytest.mark.parametrize("phase", Phase)
def test_bodies_of_matches_are_as_described(matches, seen, phase):
    """Of every kind and phase."""
    assert {match.subject.kind for match in matches} == RECORDED
    assert {match.subject.kind for match in seen} == STATE
    assert {match.direction for match in matches} == {None, Direction.IN, Direction.OUT}
    for match in seen if phase is Phase.ENDED else (*matches, *seen):
        told = json.loads(
            body(phase, document(match, 1), confirmations=3, confirmations_required="safe", now=NOW)
        )
        check("WebhookBody", told)
        check(hook(told), told)
        check("EventAnswer", {"position": 1, **told})


@pytest.mark.parametrize("notice", Notice)
@pytest.mark.parametrize("since", [None, NOW])
def test_news_of_endpoints_are_as_described(notice, since):
    """Also of one that never worked."""
    endpoint = replace(ENDPOINT, state=State.FAILING, failing_since=since, state_reason="refused")

    told = json.loads(notice_body(endpoint, notice, Form("standard"), NOW))

    check("WebhookBody", told)
    check(hook(told), told)
    check("EventAnswer", {"position": 1, **told})


def test_a_ping_is_as_described():
    """It has a type and nothing else."""
    check("WebhookBody", json.loads(PING))
    check(hook(json.loads(PING)), json.loads(PING))


@pytest.mark.parametrize("type", DOCUMENT["webhooks"])
def test_example_of_a_webhook_fits(type):  # noqa: A002
    """As those of the operations do."""
    content = DOCUMENT["webhooks"][type]["post"]["requestBody"]["content"]["application/json"]

    assert content["example"]["type"] == type
    check("WebhookBody", content["example"])
    check(hook(content["example"]), content["example"])


async def test_pages_are_as_described(api):
    """Matches and events as they are answered."""
    match = await api.context.database.write(lambda tx: insert_match(tx, api.project, 1))
    told = NewEvent(api.project, "match.detected", NOW, match_id=match, confirmations=1)
    news = notice_body(ENDPOINT, Notice.FAILING, Form("standard"), NOW)
    other = NewEvent(api.project, "endpoint.failing", NOW, body=news)
    await api.context.database.write(lambda tx: log_events(tx, [told, other]))

    _, matches = await api.call("GET", "/v1/matches")
    _, events = await api.call("GET", "/v1/events")

    assert (len(matches["data"]), len(events["data"])) == (1, 2)
    check("MatchPage", matches)
    check("EventPage", events)
