"""Messages for people, by the limits and rules of Slack, Discord and Telegram."""

import html
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.monitor.models import Phase
from crypitor.webhook.formats import Form, notice_body
from crypitor.webhook.message import CHATS, NetworkTitle, quiet
from tests.webhook.matched import DATA, ETHEREUM, HASH, NOW, body_of

TRANSACTION = f"https://etherscan.io/tx/{HASH}"
NATIVE = {"kind": "native", "contract": None, "event": None, "amount_formatted": "0.5"}
EVENT = {"kind": "event", "direction": None, "address": None, "from_address": None,
         "to_address": None, "amount": None, "amount_formatted": None, "label": None}  # fmt: skip


def told(chat: str, *args, **more) -> dict:
    return json.loads(body_of(Form(chat), *args, **more))


def text_of(chat: str, document: dict) -> str:
    """Return all that is shown."""
    if chat == "discord":
        [embed] = document["embeds"]
        return f"{embed['title']}\n{embed['description']}"
    return document["text"]


def test_slack_gets_a_message_with_links():
    """The whole of it, as a person reads it."""
    document = told("slack")

    assert document["text"] == (
        "*Treasury: received 0.1231 USDC (detected)*\n"
        "Watched: hot wallet <https://etherscan.io/address/0x" + "11" * 20 + "|0x1111…1111>\n"
        "From <https://etherscan.io/address/0x" + "22" * 20 + "|0x2222…2222>"
        " to <https://etherscan.io/address/0x" + "11" * 20 + "|0x1111…1111>\n"
        f"Transaction <{TRANSACTION}|0xabab…abab> in Ethereum block"
        " <https://etherscan.io/block/21000000|21000000>\n"
        "1 of 12 confirmations"
    )
    assert document["unfurl_links"] is False


def test_discord_gets_an_embed_that_mentions_nobody():
    """Its title leads to the transaction."""
    document = told("discord")
    [embed] = document["embeds"]

    assert document["allowed_mentions"] == {"parse": []}
    assert embed["title"] == "Treasury: received 0.1231 USDC (detected)"
    assert embed["url"] == TRANSACTION
    assert f"]({TRANSACTION})" in embed["description"]
    assert embed["timestamp"] == "2026-11-22T15:00:00.123Z"


def test_telegram_gets_html_without_a_preview():
    """The chat stands in the endpoint's URL."""
    document = told("telegram")

    assert document["parse_mode"] == "HTML"
    assert document["link_preview_options"] == {"is_disabled": True}
    assert document["text"].startswith("<b>Treasury: received 0.1231 USDC (detected)</b>\n")
    assert f'<a href="{TRANSACTION}">0xabab…abab</a>' in document["text"]


@pytest.mark.parametrize(
    "more, sentence",
    [
        (NATIVE, "received 0.5 ETH"),
        ({**NATIVE, "direction": "out"}, "sent 0.5 ETH"),
        ({**NATIVE, "kind": "internal"}, "received 0.5 ETH by an internal transfer"),
        (
            {**NATIVE, "kind": "withdrawal", "transaction": None,
             "withdrawal": {"index": 1, "validator_index": 77}},
            "received 0.5 ETH, withdrawn by validator 77",
        ),
        (
            {**NATIVE, "kind": "withdrawal", "chain_id": 100, "transaction": None,
             "withdrawal": {"index": 1, "validator_index": 77}},
            "received 0.5 mGNO, withdrawn by validator 77",
        ),
        (
            {**NATIVE, "kind": "delegation", "direction": "out"},
            "the code of 0x2222…2222 is now that of 0x1111…1111",
        ),
        (
            {**NATIVE, "kind": "delegation", "direction": "out", "to_address": None},
            "the code of 0x2222…2222 was cleared",
        ),
        (
            {**NATIVE, "kind": "transaction", "direction": "out",
             "transaction": {**DATA["transaction"], "nonce": "7", "fee": "420000000000000"}},
            "sent transaction 7, fee 0.00042 ETH",
        ),
        (
            {**NATIVE, "kind": "transaction",
             "transaction": {**DATA["transaction"], "nonce": None, "fee": None}},
            "received transaction",
        ),
        ({"amount_formatted": None}, "received 123100 smallest units of USDC"),
        ({"contract": {**DATA["contract"], "symbol": None}}, "received 0.1231 USD Coin"),
        (
            {"contract": {**DATA["contract"], "symbol": None, "name": None}},
            "received 0.1231 0x3333…3333",
        ),
        ({"kind": "erc721", "token_id": "7", "amount_formatted": None}, "received USDC #7"),
        (
            {"kind": "erc1155", "token_id": "7", "amount": "3", "amount_formatted": None},
            "received 3 of USDC #7",
        ),
        (EVENT, "Transfer was emitted at USDC"),
        ({**EVENT, "kind": "call", "event": None, "call": {"name": "mint", "signature": "mint()",
          "args": {}}}, "mint was called at USDC"),
        ({**NATIVE, "kind": "deployment", "amount_formatted": None},
         "contract 0x1111…1111 deployed"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("chat", CHATS)
def test_each_kind_of_match_has_a_sentence(chat, more, sentence):
    """What happened, in a few words."""
    assert f"Treasury: {sentence} (detected)" in text_of(chat, told(chat, **more))


@pytest.mark.parametrize("chat", CHATS)
def test_a_reverted_match_says_what_follows(chat):
    """Whoever acted on it has to know."""
    shown = text_of(chat, told(chat, Phase.REVERTED))

    assert "reverted: its block left the chain" in shown
    assert "has to be undone" in shown


@pytest.mark.parametrize("chat", CHATS)
def test_without_an_explorer_there_are_no_links(chat):
    """And nothing stands in their place."""
    body = body_of(Form(chat), network=NetworkTitle("Dev"))

    assert "http" not in body


def test_a_failed_transaction_is_called_failed():
    """It may look like a payment otherwise."""
    transaction = {**DATA["transaction"], "status": "failed"}

    assert "(detected, failed)" in told("slack", transaction=transaction)["text"]


def test_an_event_shows_its_first_arguments():
    """Eight of them, and how many more there are."""
    event = {"name": "Many", "signature": "Many()", "args": {f"a{n}": str(n) for n in range(11)}}
    text = told("slack", **{**EVENT, "event": event})["text"]

    assert "\na7: 7\nand 3 more arguments\n" in text
    assert "a8" not in text


HOSTILE = [
    "<!channel>", "<@U123>", "@everyone", "@here", "https://evil.example/x", "evil.example",
    "[click](https://evil.example)", "<a href='x'>y</a>", "</b><script>", "&lt;!here&gt;",
    "<https://evil.example|bank>", "*x*_y_~z~`q`", "/start", "\u202eabc", "a\nb\r\x00c", "#" * 500,
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("chat", CHATS)
def test_a_token_cannot_speak_for_itself(chat, name):
    """Its author chose its symbol: no link, mention, markup, second line or disguise."""
    contract = {**DATA["contract"], "symbol": name}
    shown = text_of(chat, told(chat, contract=contract, label=name, network=NetworkTitle("Dev")))

    assert "\u202e" not in shown
    assert len(shown.split("\n")) == 5
    assert not re.search(r"://\w|@(everyone|here)|evil\.example|(^|\s)/start", shown)
    if chat == "slack":
        assert not re.search(r"[<>]", shown)
    if chat == "telegram":
        assert set(re.findall(r"<[^>]*>", shown)) == {"<b>", "</b>"}
    if chat == "discord":
        assert not re.search(r"(?<!\\)[*_~`\[\]<>#@|]", shown.split("\n", 1)[1])


class _Entities(HTMLParser):
    """What Telegram reads: text, and the tags it knows."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag, attrs) -> None:
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


TEXT = st.text(max_size=300) | st.sampled_from(["\\" * 300, "&" * 300, "😀" * 300, "*" * 300])


@given(TEXT, TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=12), st.sampled_from(list(Phase)))
def test_no_message_is_too_long_or_broken_whatever_strangers_wrote(
    name, symbol, label, args, phase
):
    """Slack takes 40,000 characters, Discord 256 and 4096, Telegram 4096 after its entities."""
    more = {
        "kind": "event",
        "monitor": {**DATA["monitor"], "name": name},
        "contract": {**DATA["contract"], "symbol": symbol},
        "label": label,
        "event": {"name": name, "signature": symbol, "args": args},
    }
    long = NetworkTitle(label, symbol, "https://explorer.example/" + "e" * 60)
    slack, discord, telegram = (told(chat, phase, network=long, **more) for chat in CHATS)
    [embed] = discord["embeds"]
    entities = _Entities()
    entities.feed(telegram["text"])

    assert len(slack["text"]) <= 40_000
    assert len(embed["title"].encode("utf-16-le")) // 2 <= 256
    assert len(embed["description"].encode("utf-16-le")) // 2 <= 4096
    assert len(entities.text.encode("utf-16-le")) // 2 <= 4096
    assert entities.open == []
    assert entities.tags == {"a", "b"}


@pytest.mark.parametrize("chat", CHATS)
def test_what_is_no_match_is_a_message_too(chat):
    """A ping, or the news of another endpoint."""
    body = json.loads(notice_body(Form(chat), "ping", "Crypitor says hello", {}, NOW))

    assert "Crypitor says hello" in html.unescape(json.dumps(body))


def test_what_is_no_match_is_standard_elsewhere():
    """Type, timestamp, data."""
    body = json.loads(notice_body(Form("crypitor"), "ping", "hello", {"a": 1}, NOW))

    assert body == {"type": "ping", "timestamp": "2026-11-22T15:00:00.123Z", "data": {"a": 1}}


@given(st.text(), st.integers(1, 100))
def test_quiet_text_is_one_short_printable_line(text, longest):
    """But for the joiners between what must not touch."""
    line = quiet(text, longest).replace("\u2060", "")

    assert len(line) <= longest
    assert line.isprintable()


def test_an_explorer_is_part_of_the_network():
    """As the configuration has it."""
    assert ETHEREUM.explorer == "https://etherscan.io"
