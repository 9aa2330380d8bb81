"""Which body an endpoint gets. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from yarl import URL

from crypitor.errors import Invalid, Mistake
from crypitor.evm.address import checksummed_json
from crypitor.evm.metadata import NOTHING, Token
from crypitor.monitor.models import Confirmations, Match, Phase
from crypitor.webhook.body import body, document, rfc3339
from crypitor.webhook.crypitor import FORMAT, crypitor_body, origin
from crypitor.webhook.destinations import DESTINATIONS, PEOPLE, Told, destination_body
from crypitor.webhook.message import (
    CHATS,
    Message,
    NetworkTitle,
    Piece,
    chat_body,
    cut,
    links_of,
    message_of,
    quiet,
)
from crypitor.webhook.template import TEXT_TYPE, Template, check_template, filled
from crypitor.webhook.wire import check_destination

STANDARD = "standard"
LONGEST_SENTENCE = 200
LONGEST_TAG = 50
LONGEST_HEADLINE = 250
LONGEST_TEXT = 1500
"""Of a template for people, filled in: with its markup within the limits of every service."""

LONGEST_VALUE = 500
"""Of a field in a template for people."""


@dataclass(frozen=True, slots=True)
class Form:
    """An endpoint, as far as its bodies depend on it.

    checksum: whether values that are addresses are written as EIP-55 has it, not in lower case.
    """

    format: str
    template: Template | None = None
    checksum: bool = False


@dataclass(frozen=True, slots=True)
class Texts:
    """What is stored of a match, once, to make all its bodies of.

    document: see `body.document`. origin: see `crypitor.origin`.
    """

    document: str
    origin: str | None

    def body(
        self,
        form: Form,
        phase: Phase,
        *,
        network: NetworkTitle,
        confirmations: int,
        confirmations_required: Confirmations,
        now: int,
        end: str | None = None,
    ) -> str:
        """Return the body of a phase in an endpoint's format; standard where it has no form.

        The other arguments: see `body.body`.
        """
        told = self._body(
            form,
            phase,
            network=network,
            confirmations=confirmations,
            confirmations_required=confirmations_required,
            now=now,
            end=end,
        )
        return checksummed_json(told) if form.checksum else told

    def _body(
        self,
        form: Form,
        phase: Phase,
        *,
        network: NetworkTitle,
        confirmations: int,
        confirmations_required: Confirmations,
        now: int,
        end: str | None,
    ) -> str:
        if form.format == FORMAT and self.origin is not None:
            return crypitor_body(phase, self.document, self.origin, now)
        standard = body(
            phase,
            self.document,
            confirmations=confirmations,
            confirmations_required=confirmations_required,
            now=now,
            end=end,
        )
        if form.format not in PEOPLE and form.template is None:
            return standard
        whole = msgspec.json.decode(standard)
        message = message_of(whole["data"], phase, network)
        links = links_of(whole["data"], network)
        document = {**whole, "text": message.headline, "links": links}
        if form.template is not None and form.format in PEOPLE:
            message = _in_own_words(message, form.template, document)
        if form.format in PEOPLE:
            if form.format in CHATS:
                return chat_body(form.format, message, whole["timestamp"])
            match = whole["data"]
            tags = [quiet(tag, LONGEST_TAG) for tag in match["monitor"]["tags"]]
            severity = match["monitor"].get("severity")
            told = Told(message, match["id"], whole["timestamp"], network.title, tags, severity)
            return destination_body(form.format, told)
        assert form.template is not None
        return filled(form.template, document)


def _in_own_words(message: Message, template: Template, document: Mapping[str, Any]) -> Message:
    """Return a message as its receiver wrote it: the first line is the headline."""
    text = filled(template, document, lambda stranger: quiet(stranger, LONGEST_VALUE))
    lines = [line.strip() for line in cut(text.strip(), LONGEST_TEXT).splitlines()]
    headline = cut(lines[0], LONGEST_HEADLINE) if lines else message.headline
    urls = {url for url in document["links"].values() if url}
    return replace(
        message, headline=headline, lines=[_pieces(line, urls) for line in lines[1:] if line]
    )


def _pieces(line: str, urls: Collection[str]) -> tuple[Piece, ...]:
    """Return a line with links where the explorer's pages stand in it."""
    if not urls:
        return (Piece(line),)
    parts = [line]
    for url in sorted(urls, key=len, reverse=True):  # one may be the beginning of another
        parts = [
            piece for part in parts for piece in ((part,) if part in urls else _around(part, url))
        ]
    return tuple(Piece(part, part if part in urls else None) for part in parts if part)


def _around(text: str, url: str) -> Iterator[str]:
    first, *rest = text.split(url)
    yield first
    for part in rest:
        yield url
        yield part


def texts_of(match: Match, chain_id: int, network: NetworkTitle, token: Token = NOTHING) -> Texts:
    """Return what is to be stored of a match. token: what is known of its contract by now."""
    return Texts(
        document(match, chain_id, token, network.symbol), origin(match, chain_id, network.title)
    )


def notice_body(form: Form, type: str, sentence: str, data: Mapping[str, Any], now: int) -> str:  # noqa: A002 - as the body's field
    """Return the body of what is no match, such as `ping`.

    sentence: the same for people. data: JSON. now: unix milliseconds.
    """
    whole = {"type": type, "timestamp": rfc3339(now), "data": dict(data)}
    if form.format in DESTINATIONS:
        about = data.get("endpoint") or {}
        message = Message(quiet(sentence, LONGEST_SENTENCE), (), None, type)
        key = about.get("id") or f"crypitor-{type}"
        return destination_body(form.format, Told(message, key, rfc3339(now)))
    if form.format in CHATS:
        message = Message(quiet(sentence, LONGEST_SENTENCE), (), None, "")
        return chat_body(form.format, message, rfc3339(now))
    if form.template is not None:
        return filled(form.template, {**whole, "text": sentence})
    return msgspec.json.encode(whole).decode()


def check_form(form: Form, url: str, headers: Mapping[str, str] | None = None) -> None:
    """Raise Invalid with pointers where format, template, URL and headers do not go together."""
    check_destination(form.format, url, headers or {})
    if form.checksum and form.format in PEOPLE:
        wrong = f"checksums are for bodies that programs read, not for {form.format}; leave it out"
        raise Invalid(wrong, [Mistake("/checksum", wrong)])
    if form.template is not None:
        if form.format in PEOPLE and form.template.content_type != TEXT_TYPE:
            wrong = f"of {form.format} a template is a text: its content_type has to be {TEXT_TYPE}"
            raise Invalid(wrong, [Mistake("/template", wrong)])
        if form.format not in PEOPLE and form.format != STANDARD:
            wrong = f"{form.format} has bodies of its own; leave the template out"
            raise Invalid(wrong, [Mistake("/template", wrong)])
        check_template(form.template)
    if form.format == "telegram":
        called = URL(url)
        if called.name != "sendMessage" or not called.query.get("chat_id"):
            wrong = (
                "write https://api.telegram.org/bot<token>/sendMessage?chat_id=<chat>: Telegram"
                " wants to know the chat"
            )
            raise Invalid(wrong, [Mistake("/url", wrong)])
