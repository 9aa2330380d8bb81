"""One letter over SMTP, by the standard library's client, in a thread of its own.

The connection is opened here, where its address is checked as that of any webhook is; the thread
only talks over it. Sources: RFC 5321, 3207 (STARTTLS), 8314 (TLS from the first byte), 4954 (AUTH).
"""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from aiohttp.abc import AbstractResolver

from crypitor.errors import Invalid
from crypitor.webhook.connections import Answer
from crypitor.webhook.mail import Mailbox

READY = 220
TAKEN = 250


async def send_letter(
    mailbox: Mailbox,
    letter: bytes,
    answer: Answer,
    *,
    resolver: AbstractResolver,
    check: Callable[[Sequence[Any]], None],
    context: ssl.SSLContext,
    login: tuple[str, str] | None,
    seconds: float,
) -> str | None:
    """Send a letter; return why it was not taken, None where it was. Fills the answer.

    check: raises OSError for an address that may not be called. login: user and password. Raises
    OSError, TLS errors among them. seconds: no wait of the thread lasts longer.
    """
    opened = await _connected(mailbox, resolver, check)
    # Shut down, it ends what the thread waits for, whoever holds the socket by then.
    try:
        spare = opened.dup()
    except OSError:
        opened.close()
        raise
    try:
        return await asyncio.to_thread(
            _talk, opened, mailbox, letter, answer, context, login, seconds
        )
    except RuntimeError:  # no thread could be started
        opened.close()
        raise
    finally:
        with suppress(OSError):
            spare.shutdown(socket.SHUT_RDWR)
        spare.close()


async def _connected(
    mailbox: Mailbox, resolver: AbstractResolver, check: Callable[[Sequence[Any]], None]
) -> socket.socket:
    """Return a connection to the first of a server's addresses that may be called and answers."""
    failure: OSError = OSError("the host name has no address")
    for family, address in await _addresses(mailbox, resolver):
        try:
            check(address)
            opened = socket.socket(family, socket.SOCK_STREAM)
        except OSError as refused:
            failure = refused
            continue
        opened.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(opened, address)
        except OSError as refused:
            opened.close()
            failure = refused
        except BaseException:
            opened.close()
            raise
        else:
            return opened
    raise failure


async def _addresses(
    mailbox: Mailbox, resolver: AbstractResolver
) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    try:
        literal = ip_address(mailbox.host)
    except ValueError:
        found = await resolver.resolve(mailbox.host, mailbox.port, socket.AF_UNSPEC)
        return [
            (socket.AddressFamily(each["family"]), (each["host"], mailbox.port)) for each in found
        ]
    family = socket.AF_INET if literal.version == 4 else socket.AF_INET6
    return [(family, (mailbox.host, mailbox.port))]


def _talk(
    opened: socket.socket,
    mailbox: Mailbox,
    letter: bytes,
    answer: Answer,
    context: ssl.SSLContext,
    login: tuple[str, str] | None,
    seconds: float,
) -> str | None:
    """Say what is to be said. In a thread: it waits."""
    opened.settimeout(seconds)
    own = opened.getsockname()[0]
    # The name of this machine is nobody's business (RFC 5321, 4.1.3).
    name = f"[IPv6:{own}]" if ":" in own else f"[{own}]"
    session = smtplib.SMTP(local_hostname=name, timeout=seconds)
    session._host = mailbox.host  # type: ignore[attr-defined]  # noqa: SLF001 - it has no other way to take a socket
    try:
        session.sock = opened
        if mailbox.tls:
            session.sock = context.wrap_socket(opened, server_hostname=mailbox.host)
        _dialogue(session, mailbox, letter, answer, context, login)
    except smtplib.SMTPRecipientsRefused as refused:
        code, said = next(iter(refused.recipients.values()))
        return _refused(answer, code, said)
    except smtplib.SMTPResponseException as refused:
        return _refused(answer, refused.smtp_code, refused.smtp_error)
    except smtplib.SMTPNotSupportedError as unable:
        return f"not sent: the server cannot: {unable}"
    except smtplib.SMTPServerDisconnected:
        return "connection closed without an answer"
    finally:
        session.close()
    return None


def _dialogue(
    session: smtplib.SMTP,
    mailbox: Mailbox,
    letter: bytes,
    answer: Answer,
    context: ssl.SSLContext,
    login: tuple[str, str] | None,
) -> None:
    code, said = session.getreply()
    if code != READY:
        raise smtplib.SMTPConnectError(code, said)
    if not mailbox.tls:
        session.starttls(context=context)
    if login is not None:
        session.login(*login)
    refused = session.sendmail(mailbox.sender, list(mailbox.recipients), letter)
    answer.status_code = TAKEN
    told = [f"{to}: {code} {_text(said)}" for to, (code, said) in refused.items()]
    answer.body += "; ".join(["taken", *(f"not for {one}" for one in told)]).encode()
    with suppress(smtplib.SMTPException, OSError):
        session.quit()


def _refused(answer: Answer, code: int, said: object) -> str:
    answer.status_code = code if code > 0 else None
    answer.body += _text(said).encode()
    return f"answered {code} {_text(said)}"[:300]


def _text(said: object) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return "".join(char if char.isprintable() else " " for char in text)


def no_proxy(proxy: str | None) -> None:
    """Raise Invalid where all that is called has to go through an HTTP proxy."""
    if proxy is not None:
        raise Invalid("mail does not go through webhook.proxy")
