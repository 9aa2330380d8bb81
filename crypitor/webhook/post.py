"""One POST to an endpoint: the only HTTP client of the webhooks.

Whatever the receiver does costs one attempt: every failure of DNS, connection, TLS or HTTP becomes
an Outcome with a short sentence.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp
from aiohttp.abc import AbstractResolver

from crypitor import __version__
from crypitor.errors import Exhausted, Invalid, Unavailable
from crypitor.runtime.thrown import let_go
from crypitor.webhook.apprise import send_by_apprise
from crypitor.webhook.closed import Closed
from crypitor.webhook.connections import CONNECTION_SECONDS, Answer, Connections, Target
from crypitor.webhook.crypitor import FORMAT
from crypitor.webhook.delivery import Endpoint, Outcome
from crypitor.webhook.destinations import PEOPLE
from crypitor.webhook.egress import (
    Network,
    called_url,
    check_address,
    is_own_header,
    request_target,
)
from crypitor.webhook.failure import about_client_certificate, sentence, shortage
from crypitor.webhook.mail import EMAIL, http_url, letter_of, login_of, mailbox_of
from crypitor.webhook.names import Names
from crypitor.webhook.outcome import MOST_KEPT_CHARACTERS, outcome_of
from crypitor.webhook.own_post import post_to_own
from crypitor.webhook.own_receiver import is_own_receiver
from crypitor.webhook.signature import HUB, hub_signature, sign
from crypitor.webhook.smtp import no_proxy, send_letter
from crypitor.webhook.template import JSON_TYPE
from crypitor.webhook.tls import Context, Tls, context_of, weight_of
from crypitor.webhook.topic import check_topic, topic_of
from crypitor.webhook.wire import APPRISE, ROUTING_KEY, WIRED, Wired, wired

__all__ = ["MOST_KEPT_CHARACTERS", "Poster", "Topics", "request_headers"]

DEADLINE_SECONDS = 15.0
CHECKED_URLS = 4096
CONTEXTS_BYTES = 64 << 20
"""Of endpoints' own TLS, together; see `weight_of`."""
USER_AGENT = f"Crypitor/{__version__}"


class Topics(Protocol):
    """Publishes what goes to a topic instead of a URL."""

    @property
    def allowed(self) -> Sequence[str]:
        """Which topics; see `check_topic`."""

    async def publish(self, topic: str, key: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Publish a record and return where it is. Raises Unavailable."""


class Poster:
    """Posts bodies, signed. An async context manager; inside it POSTs may run side by side.

    allow_private: networks that may be called although they are not public.
    deadline_seconds: for all of one POST, from DNS to the last byte of the answer.
    closed: places that may not be called, whatever is allowed. proxy: URL of an HTTP proxy through
    which everything goes, with user and password where it wants them; it resolves the names.
    resolver: instead of the operating system's.
    topics: where `kafka://` endpoints are published; without it they are not.
    ca: path of a PEM file with authorities that are believed beside the system's.
    """

    def __init__(
        self,
        *,
        allow_private: Sequence[Network] = (),
        deadline_seconds: float = DEADLINE_SECONDS,
        connection_seconds: float = CONNECTION_SECONDS,
        resolver: AbstractResolver | None = None,
        topics: Topics | None = None,
        closed: Closed | None = None,
        proxy: str | None = None,
        ca: str | None = None,
    ) -> None:
        self._closed = closed or Closed()
        self._allow = tuple(allow_private)
        self._proxy = proxy
        self.deadline_seconds = deadline_seconds
        self._connection_seconds = connection_seconds
        self._resolver = resolver or Names()
        self._topics = topics
        self._ca = ca
        self._contexts: OrderedDict[Tls, Context] = OrderedDict()
        self._contexts_bytes = 0

    async def __aenter__(self) -> Self:
        await self._closed.look_up(self._resolver)
        context = context_of(None, self._ca)
        self._connections = Connections(
            allow_private=self._allow,
            closed=self._closed,
            proxy=self._proxy,
            connection_seconds=self._connection_seconds,
            resolver=self._resolver,
            context=context,
        )
        # By the URL alone: the networks are always the same, and dear to hash.
        self._target = lru_cache(maxsize=CHECKED_URLS)(self._checked)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._connections.close()

    async def post(
        self, endpoint: Endpoint, webhook_id: str, body: bytes, now: int, key: str = ""
    ) -> Outcome:
        """Post once and return what came of it. Raises Exhausted, and when it is cancelled.

        now: unix milliseconds; signed, so receivers compare it with their clocks.
        key: what a topic keeps in order: the id of the monitor.
        """
        sent = None
        if endpoint.format in WIRED:
            sent = wired(endpoint.format, endpoint.url, endpoint.headers, webhook_id, body)
            body = sent.body
        headers = request_headers(endpoint, webhook_id, body, now)
        topic = topic_of(endpoint.url)
        answer = Answer()
        began = time.monotonic()
        error = None
        try:
            async with asyncio.timeout(self.deadline_seconds):
                if endpoint.format == EMAIL:
                    error = await self._mail(endpoint, webhook_id, body, now, answer)
                elif endpoint.format == APPRISE:
                    error = await send_by_apprise(endpoint.headers, body, answer)
                elif topic is not None:
                    await self._publish(topic, key, headers, body, answer)
                elif is_own_receiver(endpoint.url):
                    await post_to_own(endpoint, headers, body, answer, now)
                else:
                    target = await self._target_of(endpoint, sent)
                    await self._connections.exchange(target, headers, body, answer)
        except TimeoutError:
            error = f"timed out after {self.deadline_seconds:g} s"
        except Invalid as refused:  # it was accepted under another configuration
            error = f"not called: {refused.detail}"
        except Unavailable as down:
            error = str(down)
        except (aiohttp.ClientError, OSError, ValueError, MemoryError, RuntimeError) as failure:
            error = self._failed(endpoint, failure)
            let_go(failure)
        return outcome_of(endpoint, answer, error, now, round((time.monotonic() - began) * 1000))

    def _failed(self, endpoint: Endpoint, failure: Exception) -> str:
        """Return what kept a POST from being answered. Raises what is no receiver's doing."""
        short = shortage(failure)
        if short is not None:
            self._connections.renew()
            raise Exhausted(f"this machine: {short}") from failure
        if isinstance(failure, RuntimeError):
            raise failure
        return _sentence(endpoint, failure)

    def _checked(self, url: str) -> Target:
        return self._connections.target(called_url(url, self._allow), request_target(url))

    async def _target_of(self, endpoint: Endpoint, sent: Wired | None) -> Target:
        """Return where a request goes. Raises Invalid for where nothing may go."""
        target = self._target(endpoint.url)
        if endpoint.tls is not None or sent is not None:
            target = await self._special(endpoint, sent)
        self._closed.check_url(target.request.url)
        self._closed.check_port(target.request.url)
        return target

    async def _special(self, endpoint: Endpoint, sent: Wired | None) -> Target:
        """Return where a request goes that is not like all others."""
        context = None if endpoint.tls is None else await self._context(endpoint.tls)
        called = called_url(endpoint.url, self._allow)
        target, method = request_target(endpoint.url), "POST"
        if sent is not None:
            target, method = sent.target, sent.method
        return self._connections.target(called, target, context, method)

    async def _context(self, tls: Tls) -> Context:
        """Return the context of an endpoint's own TLS."""
        context = self._contexts.get(tls)
        if context is None:
            context = await asyncio.to_thread(context_of, tls, self._ca)
            if tls not in self._contexts:
                self._contexts_bytes += weight_of(tls)
        self._contexts[tls] = context
        self._contexts.move_to_end(tls)
        while self._contexts_bytes > CONTEXTS_BYTES and len(self._contexts) > 1:
            oldest, _ = self._contexts.popitem(last=False)
            self._contexts_bytes -= weight_of(oldest)
        return context

    async def _mail(
        self, endpoint: Endpoint, webhook_id: str, body: bytes, now: int, answer: Answer
    ) -> str | None:
        """Send a letter; return why it was not taken, None where it was."""
        no_proxy(self._proxy)
        place = called_url(http_url(endpoint.url), self._allow)
        self._closed.check_url(place)
        mailbox = mailbox_of(endpoint.url)
        await self._closed.look_up(self._resolver)

        def check(sockaddr: Sequence[Any]) -> None:
            check_address(sockaddr, self._allow)
            self._closed.check_address(sockaddr)

        return await send_letter(
            mailbox,
            letter_of(mailbox, webhook_id, body, now),
            answer,
            resolver=self._resolver,
            check=check,
            context=await self._context(endpoint.tls or Tls()),
            login=login_of(endpoint.headers),
            seconds=self.deadline_seconds,
        )

    async def _publish(
        self, topic: str, key: str, headers: dict[str, str], body: bytes, answer: Answer
    ) -> None:
        """Publish; what a broker took counts as answered with 200."""
        allowed = self._topics.allowed if self._topics else ()
        check_topic(topic, allowed)
        assert self._topics is not None
        about_http = ("accept", "accept-encoding")
        kept = {name: value for name, value in headers.items() if name.lower() not in about_http}
        answer.body += (await self._topics.publish(topic, key, body, kept)).encode()
        answer.status_code = HTTPStatus.OK


def _sentence(endpoint: Endpoint, failure: Exception) -> str:
    if endpoint.url[:6].lower() in ("https:", "smtps:", "smtp:/"):
        certificate = endpoint.tls is not None and endpoint.tls.certificate is not None
        told = about_client_certificate(failure, shown=certificate)
        if told is not None:
            return told
    return sentence(failure)


def request_headers(endpoint: Endpoint, webhook_id: str, body: bytes, now: int) -> dict[str, str]:
    """Return the headers of a POST. now: unix milliseconds."""
    seconds = now // 1000
    template = None if endpoint.format in PEOPLE else endpoint.template
    headers = {
        "Content-Type": template.content_type if template else JSON_TYPE,
        "User-Agent": USER_AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    if endpoint.headers:
        _add(endpoint.headers, headers)
    if endpoint.format == "pagerduty":  # it is in the body
        headers = {name: value for name, value in headers.items() if name.lower() != ROUTING_KEY}
    if endpoint.format == FORMAT:
        headers = {name: value for name, value in headers.items() if name.lower() != HUB.lower()}
        headers[HUB] = hub_signature(endpoint.secret, body)
    headers["webhook-id"] = webhook_id
    headers["webhook-timestamp"] = str(seconds)
    headers["webhook-signature"] = sign(endpoint.secrets(now), webhook_id, seconds, body)
    return headers


def _add(users: Mapping[str, str], headers: dict[str, str]) -> None:
    """Add the user's own headers as they are written, in place of our defaults of that name."""
    ours = {name.lower(): name for name in headers}
    for name, value in users.items():
        if not is_own_header(name):
            headers.pop(ours.get(name.lower(), name), None)
            headers[name] = value
