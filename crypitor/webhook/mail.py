"""Mail: where an endpoint's letters go, and what they are. Pure.

    smtps://mail.example.com/?from=alarms@example.com&to=ops@example.com&to=cfo@example.com

`smtps` is TLS from the first byte (RFC 8314), `smtp` is STARTTLS, without which nothing is sent.
User and password stand in the endpoint's header `Authorization`, as HTTP's Basic (RFC 7617).
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import msgspec

from crypitor.errors import Invalid, Mistake
from crypitor.webhook.egress import Network, check_url

EMAIL = "email"
MOST_RECIPIENTS = 20
LONGEST_SUBJECT = 250
_PORTS = {"smtps": 465, "smtp": 587}
_URL = re.compile(r"(smtps?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Who gets the letters of an endpoint, and over which server. tls: from the first byte."""

    host: str
    port: int
    tls: bool
    sender: str
    recipients: tuple[str, ...]


def check_mail_url(url: str, allow: Sequence[Network] = ()) -> str:
    """Return the URL of a mail server as it is stored. Raises Invalid: the rules of all URLs."""
    found = _URL.fullmatch(url)
    if found is None:
        raise Invalid("the URL of mail has to begin with smtps:// or smtp://")
    checked = check_url(http_url(url), allow)
    mailbox_of(url)
    return f"{found[1].lower()}{checked.removeprefix('https')}"


def http_url(url: str) -> str:
    """Return the place of a mail server as a URL that all checks understand."""
    found = _URL.fullmatch(url)
    if found is None:
        return url
    scheme, authority, rest = found[1].lower(), found[2], found[3]
    with_port = re.search(r":[0-9]*$", authority.rpartition("]")[2])
    return f"https://{authority}{'' if with_port else f':{_PORTS[scheme]}'}{rest}"


def mailbox_of(url: str) -> Mailbox:
    """Return what a URL says. Raises Invalid."""
    parts = urlsplit(url)
    try:  # `+` stands in many an address, and is no space there
        told = parse_qs(parts.query.replace("+", "%2B"), strict_parsing=bool(parts.query))
    except ValueError as error:
        raise Invalid("what follows the ? has to be from=…&to=…") from error
    senders, recipients = told.get("from", []), told.get("to", [])
    if told.keys() - {"from", "to"} or len(senders) != 1 or not recipients:
        raise Invalid("write smtps://<server>/?from=<address>&to=<address>, and more to=")
    if len(recipients) > MOST_RECIPIENTS:
        raise Invalid(f"a letter goes to at most {MOST_RECIPIENTS} addresses")
    for address in (*senders, *recipients):
        if not _ADDRESS.fullmatch(address) or len(address) > 254:
            raise Invalid("the addresses have to be like ops@example.com")
    scheme = parts.scheme.lower()
    port = parts.port or _PORTS[scheme]
    once = tuple(dict.fromkeys(recipients))
    return Mailbox(parts.hostname or "", port, scheme == "smtps", senders[0], once)


def login_of(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return user and password, None where an endpoint has none. Raises Invalid."""
    value = next((held for name, held in headers.items() if name.lower() == "authorization"), None)
    if value is None:
        return None
    try:
        scheme, _, coded = value.partition(" ")
        user, colon, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except ValueError:
        scheme = user = password = colon = ""
    if scheme.lower() != "basic" or not colon:
        wrong = "mail wants Authorization: Basic, and base64 of <user>:<password>"
        raise Invalid(wrong, [Mistake("/headers/Authorization", wrong)])
    return user, password


def gathered(bodies: Sequence[str]) -> bytes:
    """Return one letter's body for several of them, in their order."""
    told = [msgspec.json.decode(body, type=dict[str, str]) for body in bodies]
    more = f"{len(told)} messages; the first: {told[0]['subject']}"
    return msgspec.json.encode(
        {
            "subject": more[:LONGEST_SUBJECT],
            "text": "\n\n".join(each["text"] for each in told),
            "html": "<hr>\n".join(each["html"] for each in told),
            "thread": told[0]["thread"],
        }
    )


def letter_of(mailbox: Mailbox, webhook_id: str, body: bytes, now: int) -> bytes:
    """Return a letter. body: as it is stored: subject, text, html, thread. now: unix milliseconds.

    Its id stays the same in each attempt, so that mailboxes drop what comes twice; letters of one
    match stand together.
    """
    told = msgspec.json.decode(body, type=dict[str, str])
    domain = mailbox.sender.rpartition("@")[2]
    letter = EmailMessage(policy=SMTP)
    letter["From"] = mailbox.sender
    letter["To"] = ", ".join(mailbox.recipients)
    letter["Subject"] = told["subject"]
    letter["Date"] = format_datetime(datetime.fromtimestamp(now // 1000, UTC))
    letter["Message-ID"] = f"<{webhook_id}@{domain}>"
    letter["References"] = f"<{told['thread']}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(told["text"] + "\n")
    letter.add_alternative(told["html"], subtype="html")
    return letter.as_bytes()
