"""Templates: what is filled in, and what is refused when they are saved."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.errors import Invalid
from crypitor.webhook.formats import Form, notice_body
from crypitor.webhook.template import LONGEST_JSON, MOST_FIELDS, Template, check_template, filled
from tests.webhook.matched import HASH, NOW, body_of


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
