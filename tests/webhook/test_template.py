"""Templates: what is filled in, and what is refused when they are saved."""

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.errors import Invalid
from crypitor.webhook.destinations import PEOPLE
from crypitor.webhook.formats import Form, check_form, notice_body
from crypitor.webhook.post import request_headers
from crypitor.webhook.template import LONGEST_JSON, MOST_FIELDS, Template, check_template, filled
from tests.webhook.matched import DATA, HASH, NOW, body_of
from tests.webhook.queued import endpoint


def sent(body: str, content_type: str = "application/json", **more) -> str:
    template = Template(body, content_type)
    check_template(template)
    return body_of(Form("standard", template), **more)


def test_a_template_takes_the_place_of_the_standard_body():
    """Text between quotes, whole values without."""
    body = sent(
        '{"summary": "{{data.monitor.name}} got {{ data.amount_formatted }}",'
        ' "block": {{data.block.number | json}}, "tags": {{data.monitor.tags|json}},'
        ' "to": "{{data.event.args.to | short}}", "type": "{{type}}", "item": {{data.item | json}}}'
    )

    assert json.loads(body) == {
        "summary": "Treasury got 0.1231", "block": 21000000, "tags": ["ops"],
        "to": "0x1111…1111", "type": "match.detected", "item": None,
    }  # fmt: skip


def test_text_and_links_are_there_too():
    """What a chat would show, and the explorer's pages."""
    body = sent("{{text}} {{links.transaction}}", "text/plain")

    assert body == (f"Treasury: received 0.1231 USDC (detected) https://etherscan.io/tx/{HASH}")


@pytest.mark.parametrize(
    "field, value",
    [
        ("data.label | upper", "A&B <1>"),
        ("data.label | lower", "a&b <1>"),
        ("data.label | html", "a&amp;B &lt;1&gt;"),
        ("data.label | url", "a%26B%20%3C1%3E"),
        ("data.label | upper | url", "A%26B%20%3C1%3E"),
        ("data.label | upper | json", '"A&B <1>"'),
        ("data.address | short", "0x1111…1111"),
        ("data.item", ""),
        ("data.item | json", "null"),
        ("data.log_index", "413"),
        ("data.event.args.0", ""),
        ("data.call.name", ""),
    ],
)
def test_formatters(field, value):
    """One after the other; what a match has not is empty, or null."""
    assert sent(f"{{{{{field}}}}}", "text/plain", label="a&B <1>") == value


def test_other_content_types_are_not_escaped():
    """Only JSON has quotes to be kept."""
    assert sent("{{data.label}}", "text/plain", label='a"b') == 'a"b'


@given(st.text())
def test_whatever_is_filled_into_json_leaves_it_json(label):
    """A label is anybody's text."""
    body = sent('{"a": "x{{data.label}}y", "b": {{data.label | json}}}', label=label)

    assert json.loads(body)["b"] == label


@pytest.mark.parametrize(
    "body, content_type, word",
    [
        ('{"a": "{{data.nothing}}"}', "application/json", "there is no field data.nothing"),
        ('{"a": "{{data.amount.x}}"}', "application/json", "there is no field data.amount.x"),
        ('{"a": "{{secret}}"}', "application/json", "data.amount_formatted"),
        ('{"a": "{{data.__class__}}"}', "application/json", "there is no field"),
        ('{"a": "{{data.amount | eval}}"}', "application/json", "there is no formatter eval"),
        ('{"a": "{{data.amount | json | upper}}"}', "application/json", "no formatter json here"),
        ('{"a": "{{data.amount + 1}}"}', "application/json", "at character 8: write {{field}}"),
        ('{"a": "{{data.amount"}', "application/json", "at character 8: write {{field}}"),
        ('{"a": {{data.amount}}}', "application/json", "this is not JSON"),
        ('{"a": "{{data.amount | json}}"}', "application/json", "this is not JSON"),
        ('{"a": 1', "application/json", "this is not JSON"),
        ("x", "application/cloudevents+json; charset=utf-8", "this is not JSON"),
        ("{{type}}" * (MOST_FIELDS + 1), "text/plain", "at most 100 fields"),
    ],
)
def test_what_could_not_be_filled_is_refused(body, content_type, word):
    """With the place in it, and what there is instead."""
    with pytest.raises(Invalid) as refusal:
        check_template(Template(body, content_type))

    [mistake] = refusal.value.mistakes
    assert mistake.pointer == "/template/body"
    assert word in mistake.detail


@given(st.text(alphabet="{}|.abdtype \"'", max_size=40))
def test_any_text_is_a_template_or_refused(body):
    """Nothing else is raised, neither here nor when it is filled."""
    template = Template(body, "text/plain")
    try:
        check_template(template)
    except Invalid:
        return

    assert isinstance(filled(template, {"type": "x"}), str)


def test_a_body_cannot_grow_without_bound():
    """What is very long is cut, or null where a part would be wrong."""
    event = {"name": "E", "signature": "E()", "args": {"data": "f" * 1_000_000}}
    text = sent("{{data.event.args.data}}", "text/plain", event=event)
    whole = sent("{{data.event | json}}", event=event)

    assert len(text) == 4096
    assert whole == "null"
    assert len(whole) <= LONGEST_JSON


def test_a_notice_is_filled_in_too():
    """Fields that it has not are empty."""
    form = Form("standard", Template('{"t": "{{type}}", "x": "{{text}}", "n": "{{data.amount}}"}'))

    assert json.loads(notice_body(form, "ping", "hello", {}, NOW)) == {
        "t": "ping", "x": "hello", "n": "",
    }  # fmt: skip


WORDS = Template(
    "{{data.label | upper}}: {{data.amount_formatted}} {{data.contract.symbol}}\nsee {{links.transaction}}, {{data.block.number}}",
    "text/plain",
)
# Where each service shows the headline, and where the rest.
PLACES = {
    "slack": (lambda told: told["text"].split("\n")[0], lambda told: told["text"]),
    "discord": (lambda told: told["embeds"][0]["title"], lambda told: told["embeds"][0]["description"]),
    "telegram": (lambda told: told["text"].split("\n")[0], lambda told: told["text"]),
    "teams": (
        lambda told: told["attachments"][0]["content"]["body"][0]["text"],
        lambda told: told["attachments"][0]["content"]["body"][1]["text"],
    ),
    "ntfy": (lambda told: told["title"], lambda told: told["message"]),
    "matrix": (lambda told: told["body"].split("\n")[0], lambda told: told["formatted_body"]),
    "pagerduty": (
        lambda told: told["payload"]["summary"],
        lambda told: told["payload"]["custom_details"]["message"] + told["links"][0]["href"],
    ),
    "opsgenie": (lambda told: told["message"], lambda told: told["description"]),
    "apprise": (lambda told: told["title"], lambda told: told["body"]),
    "email": (lambda told: told["subject"], lambda told: told["html"]),
}  # fmt: skip


@pytest.mark.parametrize("form", PEOPLE)
def test_a_message_for_people_is_in_the_words_of_its_template(form):
    """Its first line is the headline; what the service needs beside it stays."""
    check_form_of(form, WORDS)
    told = json.loads(body_of(Form(form, WORDS)))
    headline, rest = PLACES[form]

    assert re.sub(r"[*\\]|</?b>", "", headline(told)) == "HOT WALLET: 0.1231 USDC"
    assert f"https://etherscan.io/tx/{HASH}" in rest(told)
    assert "Watched" not in json.dumps(told)


@pytest.mark.parametrize("form", PEOPLE)
def test_strangers_write_no_links_and_mentions_by_a_template(form):
    """What stands in a field of theirs is text, however long it is."""
    symbol = "@everyone <b>https://evil.example</b> [x](y) " * 50
    contract = {**DATA["contract"], "symbol": symbol}
    text = "{{data.contract.symbol}}\n" + "{{data.contract.symbol}}\n" * 40
    told = body_of(Form(form, Template(text, "text/plain")), contract=contract)

    assert "https://evil" not in told.replace("\\", "")
    assert "@everyone" not in told
    assert len(told) < 28_000
    if form == "discord":
        assert len(json.loads(told)["embeds"][0]["description"]) <= 4096
    if form == "telegram":
        assert len(html.unescape(re.sub("<[^>]+>", "", json.loads(told)["text"]))) <= 4096


def test_a_template_for_people_is_text_and_the_original_has_none():
    """JSON would be read by people."""
    for form, template in (("slack", Template("{}")), ("crypitor", WORDS)):
        with pytest.raises(Invalid) as refused:
            check_form_of(form, template)
        assert refused.value.mistakes[0].pointer == "/template"


@pytest.mark.parametrize("form", PEOPLE)
def test_what_is_sent_is_json_whatever_the_template_is(form):
    """The words are text; what holds them is what the service takes."""
    one = endpoint("ep_1", format=form, template=WORDS)

    assert request_headers(one, "de_1", b"{}", NOW)["Content-Type"] == "application/json"


def check_form_of(form, template):
    """Check a form with a URL and headers that suit it."""
    urls = {
        "telegram": "https://api.telegram.org/bot1:x/sendMessage?chat_id=5",
        "ntfy": "https://ntfy.example/alarms",
        "matrix": "https://m.example/_matrix/client/v3/rooms/%21r%3Am.example/send/m.room.message",
        "opsgenie": "https://api.opsgenie.com/v2/alerts",
        "apprise": "apprise://phones",
    }
    headers = {
        "X-Routing-Key": "a" * 32,
        "X-Apprise-URL": "signal://x",
        "Authorization": "Basic YTpi",
    }
    check_form(Form(form, template), urls.get(form, "https://example.com/x"), headers)
