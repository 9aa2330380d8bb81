"""What a match says to people, and how Slack, Discord and Telegram want it. Pure.

Names and symbols are whatever a contract's author wrote: they are cut, kept from becoming links,
mentions or markup, and never decide how long a message is.

Sources: api.slack.com/reference/surfaces/formatting; discord.com/developers/docs/resources/webhook
and /message#embed-object; core.telegram.org/bots/api#sendmessage and #html-style.
"""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from crypitor.evm.profiles import profile_of
from crypitor.monitor.models import Phase
from crypitor.webhook.body import NATIVE_DECIMALS, formatted

CHATS = ("slack", "discord", "telegram")
DISCORD_TITLE_CHARACTERS = 256
# With these no message comes near the other limits: 40,000 characters at Slack, 4096 of an embed's
# description at Discord, 4096 without the markup at Telegram.
LONGEST_NAME = 100
LONGEST_VALUE = 80
MOST_ARGUMENTS = 8
LONGEST_EXPLORER = 100

_COLOURS = {"detected": 0x3B82F6, "confirmed": 0x22C55E, "ended": 0x6B7280, "reverted": 0xEF4444}
_PHASES = {
    "detected": "detected",
    "confirmed": "confirmed",
    "ended": "it is over",
    "reverted": "reverted: its block left the chain",
}
MARKDOWN = re.compile(r"([\\*_~`|>#\-\[\]()<:@+.!{}=])")


@dataclass(frozen=True, slots=True)
class NetworkTitle:
    """A network as people know it. explorer: base URL of a block explorer, empty for none."""

    title: str
    symbol: str = "ETH"
    explorer: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a message. url: where it leads, None for nowhere."""

    text: str
    url: str | None = None
    bold: bool = False


Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A headline and lines. kind: a phase, or empty for what is no match."""

    headline: str
    lines: Sequence[Line]
    url: str | None
    kind: str


def links_of(match: Mapping[str, Any], network: NetworkTitle) -> dict[str, str | None]:
    """Return the explorer's pages of a match. match: `data` of a body."""
    contract = match["contract"]["address"] if match["contract"] else None
    return {
        "transaction": _link(network, "tx", (match["transaction"] or {}).get("hash")),
        "block": _link(network, "block", match["block"]["number"]),
        "address": _link(network, "address", match["address"]),
        "contract": _link(network, "address", contract),
    }


def message_of(match: Mapping[str, Any], phase: Phase, network: NetworkTitle) -> Message:
    """Return what a match says. match: `data` of a body."""
    links = links_of(match, network)
    name = _loud(match, phase) + quiet(match["monitor"]["name"], LONGEST_NAME)
    transaction = match["transaction"] or {}
    failed = ", failed" if transaction.get("status") == "failed" else ""
    shown = {**match, **match["ended"]} if phase is Phase.ENDED and "ended" in match else match
    headline = f"{name}: {_sentence(shown, network)} ({_PHASES[phase]}{failed})"
    lines: list[Line] = []
    if match["address"]:
        label = f"{quiet(match['label'], LONGEST_VALUE)} " if match["label"] else ""
        lines.append((Piece(f"Watched: {label}"), _address(match["address"], network)))
    if match["from_address"] or match["to_address"]:
        lines.append(
            (
                Piece("From "),
                _address(match["from_address"], network),
                Piece(" to "),
                _address(match["to_address"], network),
            )
        )
    lines += _arguments(match)
    lines += _looked(shown, network)
    lines.append(_place(match, network, links))
    lines.append((Piece(_confirmations(match, phase)),))
    return Message(headline, lines, links["transaction"] or links["block"], phase.value)


def _loud(match: Mapping[str, Any], phase: Phase) -> str:
    """Return what stands before a message that matters much, and tells of no end."""
    severity = match["monitor"].get("severity")
    holds = phase in (Phase.DETECTED, Phase.CONFIRMED)
    return f"{severity.upper()}: " if holds and severity in ("error", "critical") else ""


def _place(
    match: Mapping[str, Any], network: NetworkTitle, links: Mapping[str, str | None]
) -> Line:
    """Return where it happened: in a transaction, or in a block alone."""
    title = quiet(network.title, LONGEST_VALUE)
    number = Piece(str(match["block"]["number"]), links["block"])
    if match["transaction"] is None:
        return Piece(f"In {title} block "), number
    carried = Piece(short(match["transaction"]["hash"]), links["transaction"])
    return Piece("Transaction "), carried, Piece(f" in {title} block "), number


def chat_body(chat: str, message: Message, timestamp: str) -> str:
    """Return the JSON that a chat service takes. timestamp: RFC 3339."""
    return msgspec.json.encode(_BODIES[chat](message, timestamp)).decode()


def short(text: str) -> str:
    """Return the two ends of a hash or an address."""
    return f"{text[:6]}…{text[-4:]}" if len(text) > 12 else text


def quiet(text: object, longest: int) -> str:
    """Return a stranger's text as one printable line that is no link, mention or command."""
    line = "".join(char if char.isprintable() else " " for char in str(text)[: 4 * longest])
    line = line if len(line) <= longest else line[: longest - 1] + "…"
    # A word joiner is not seen, and no client takes what it parts for an address or a mention.
    return re.sub(r"(?<=\w)\.(?=\w)|://|@|(?<!\S)/(?=\w)", lambda found: found[0] + "\u2060", line)


def _sentence(match: Mapping[str, Any], network: NetworkTitle) -> str:  # noqa: PLR0911 - a row for each kind
    kind = match["kind"]
    verb = {"in": "received", "out": "sent"}.get(match["direction"], "saw")
    contract = match["contract"] or {}
    token = quiet(contract.get("symbol") or contract.get("name") or "", LONGEST_VALUE)
    where = short(contract.get("address") or "")
    if kind in ("native", "internal"):
        inside = " by an internal transfer" if kind == "internal" else ""
        return f"{verb} {match['amount_formatted']} {quiet(network.symbol, 24)}{inside}"
    if kind in ("erc20", "erc721", "erc1155"):
        return f"{verb} {_tokens(match, token or where)}"
    if kind == "transaction":
        verb = {"in": "received", "out": "sent"}[match["direction"]]
        fee = match["transaction"]["fee"]
        cost = (
            ""
            if fee is None
            else f", fee {formatted(int(fee), NATIVE_DECIMALS)} {quiet(network.symbol, 24)}"
        )
        return f"{verb} transaction {match['transaction']['nonce'] or ''}".rstrip() + cost
    if kind == "withdrawal":
        symbol = profile_of(match["chain_id"]).withdrawn or quiet(network.symbol, 24)
        validator = match["withdrawal"]["validator_index"]
        return f"received {match['amount_formatted']} {symbol}, withdrawn by validator {validator}"
    if kind == "delegation":
        account = short(match["from_address"])
        if match["to_address"] is None:
            return f"the code of {account} was cleared"
        return f"the code of {account} is now that of {short(match['to_address'])}"
    if kind == "balance":
        return _balance(match, network, token or where)
    if kind == "view":
        return _view(match, token or where)
    if kind == "deployment":
        return f"contract {short(match['to_address'] or '')} deployed"
    told = match.get("call") if kind == "call" else match["event"]
    what = "was called" if kind == "call" else "was emitted"
    name = quiet((told or {}).get("name") or "anonymous event", LONGEST_VALUE)
    return f"{name} {what} at {token or where}"


def _balance(match: Mapping[str, Any], network: NetworkTitle, token: str) -> str:
    """Return what an account has, and had."""
    told = match["balance"]
    unit = quiet(network.symbol, 24) if match["contract"] is None else token
    if match["token_id"] is not None:
        unit = f"of {unit} #{_number(match['token_id'])}"
    exact = told["formatted"] is None
    amount, before = (
        told["value" if exact else "formatted"],
        told["previous" if exact else "previous_formatted"],
    )
    if exact and match["token_id"] is None:
        unit = f"smallest units of {unit}"
    was = "" if before is None else f", it was {_number(before)}"
    return f"the balance is {_number(amount)} {unit}{was}"


def _view(match: Mapping[str, Any], where: str) -> str:
    """Return what a function returned."""
    told = match["view"]
    name = quiet(told["name"], LONGEST_VALUE)
    if told["reverted"]:
        return f"{name} of {where} reverts"
    return f"{name} of {where} is {_shown(told['result'])}"


def _shown(result: Mapping[str, Any] | None) -> str:
    if result is None:
        return "not what its signature says"
    parts = [
        f"{'' if name.isdigit() else quiet(name, 40) + ' '}{quiet(_text(value), 40)}"
        for name, value in [*result.items()][:MOST_ARGUMENTS]
    ]
    return ", ".join(parts) or "nothing"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _looked(match: Mapping[str, Any], network: NetworkTitle) -> list[Line]:
    """Return between which two blocks it became so, where state was looked at."""
    blocks = match.get("looked_at")
    if blocks is None:
        return []
    before, now = blocks
    number = Piece(str(now["number"]), _link(network, "block", now["number"]))
    if before is None:
        return [(Piece("Looked at for the first time in block "), number)]
    then = Piece(str(before["number"]), _link(network, "block", before["number"]))
    return [(Piece("Looked at in block "), number, Piece(", before that in "), then)]


def _tokens(match: Mapping[str, Any], token: str) -> str:
    if match["amount_formatted"] is not None:
        return f"{_number(match['amount_formatted'])} {token}"
    if match["kind"] == "erc20":
        return f"{_number(match['amount'])} smallest units of {token}"
    if match["kind"] == "erc721":
        return f"{token} #{_number(match['token_id'])}"
    return f"{_number(match['amount'])} of {token} #{_number(match['token_id'])}"


def _number(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _arguments(match: Mapping[str, Any]) -> list[Line]:
    told = {"call": match.get("call"), "event": match["event"]}.get(match["kind"])
    args = (told or {}).get("args") or {}
    named = list(args.items() if isinstance(args, Mapping) else enumerate(args))
    lines: list[Line] = []
    for name, value in named[:MOST_ARGUMENTS]:
        lines.append((Piece(f"{quiet(name, 40)}: {quiet(_text(value), LONGEST_VALUE)}"),))
    if len(named) > MOST_ARGUMENTS:
        lines.append((Piece(f"and {len(named) - MOST_ARGUMENTS} more arguments"),))
    return lines


def _confirmations(match: Mapping[str, Any], phase: Phase) -> str:
    required = match["confirmations_required"]
    if phase is Phase.ENDED:
        return "The condition holds no more."
    if phase is Phase.REVERTED:
        return "Whatever was done because of it has to be undone."
    if isinstance(required, int):
        return f"{match['confirmations']} of {required} confirmations"
    return f"{match['confirmations']} confirmations; counts when the node calls it {required}"


def _address(address: str | None, network: NetworkTitle) -> Piece:
    if not address:
        return Piece("nobody")
    return Piece(short(address), _link(network, "address", address))


def _link(network: NetworkTitle, page: str, what: object) -> str | None:
    if not network.explorer or len(network.explorer) > LONGEST_EXPLORER or what is None:
        return None
    return f"{network.explorer}/{page}/{what}"


def _slack(message: Message, _timestamp: str) -> dict[str, Any]:
    def escape(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def piece(one: Piece) -> str:
        text = escape(one.text)
        return f"<{safe(one.url)}|{text}>" if one.url else text

    text = joined([(Piece(message.headline, bold=True),), *message.lines], piece, "*{}*")
    return {"text": text, "unfurl_links": False, "unfurl_media": False}


def _discord(message: Message, timestamp: str) -> dict[str, Any]:
    def piece(one: Piece) -> str:
        text = MARKDOWN.sub(r"\\\1", one.text)
        return f"[{text}]({safe(one.url)})" if one.url else text

    embed: dict[str, Any] = {
        "title": cut(message.headline, DISCORD_TITLE_CHARACTERS),
        "description": joined(message.lines, piece, "**{}**"),
        "color": _COLOURS.get(message.kind, 0x6B7280),
        "timestamp": timestamp,
    }
    if message.url:
        embed["url"] = message.url
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _telegram(message: Message, _timestamp: str) -> dict[str, Any]:
    def piece(one: Piece) -> str:
        text = html.escape(one.text, quote=False)
        return f'<a href="{html.escape(one.url)}">{text}</a>' if one.url else text

    text = joined([(Piece(message.headline, bold=True),), *message.lines], piece, "<b>{}</b>")
    return {
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def joined(lines: Sequence[Line], piece: Callable[[Piece], str], bold: str) -> str:
    """Return lines as one text. piece: how one is written; bold: what goes around a bold one."""
    return "\n".join(
        "".join(bold.format(piece(one)) if one.bold else piece(one) for one in line)
        for line in lines
    )


def cut(text: str, longest: int) -> str:
    """Return a text of so many UTF-16 units at most, whichever way a service counts."""
    if len(text.encode("utf-16-le")) <= 2 * longest:
        return text
    return text.encode("utf-16-le")[: 2 * (longest - 1)].decode("utf-16-le", "ignore") + "…"


def safe(url: str) -> str:
    """Return a URL without what would end it in a chat's markup."""
    return re.sub(r"[<>|()\s]", lambda found: f"%{ord(found[0]):02X}", url)


_BODIES: Mapping[str, Callable[[Message, str], dict[str, Any]]] = {
    "slack": _slack,
    "discord": _discord,
    "telegram": _telegram,
}
