"""Failures of a POST in words for the endpoint's owner: one short printable line each."""

import errno
import os
import socket
import ssl
from collections.abc import Callable
from http import HTTPStatus

import aiohttp

from crypitor.errors import reason_of
from crypitor.webhook.egress import NotPublicError

LONGEST = 300
_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
_REDIRECTS = (301, 302, 303, 307, 308)
NO_CERTIFICATE = "the receiver wants a client certificate: give the endpoint one (tls.certificate)"
_REFUSED = (
    "ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_REVOKED", "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_ACCESS_DENIED", "ALERT_DECRYPT_ERROR", "ALERT_HANDSHAKE_FAILURE",
)  # fmt: skip
_RESETS = (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED)


def refusal(status_code: int | None, location: str | None) -> str | None:
    """Return the sentence for an answer that was read and is no 2xx; None for one that is."""
    if status_code is None or status_code // 100 == 2:
        return None
    if status_code in _REDIRECTS:
        return _short(f"redirect to {location or 'nowhere'} refused")
    try:
        return f"answered {status_code} {HTTPStatus(status_code).phrase}"
    except ValueError:
        return f"answered {status_code}"


def shortage(failure: Exception) -> str | None:
    """Return what this machine has run out of, None where it is not that.

    A name that cannot be looked up because of it is said not to exist: so a descriptor is tried.
    """
    if isinstance(failure, MemoryError):
        return "no memory is left"
    if isinstance(failure, RuntimeError):
        return "no thread can be started" if "start new thread" in str(failure) else None
    number = failure.errno if isinstance(failure, OSError) else None
    if isinstance(failure, aiohttp.ClientConnectorDNSError):
        try:
            socket.socket().close()
        except OSError as error:
            number = error.errno
    return os.strerror(number).lower() if number in _OURS else None


def sentence(failure: Exception) -> str:
    """Return what kept a POST from being answered. failure: an error of aiohttp, TLS or the OS."""
    return _short(next(say(failure) for kind, say in _SENTENCES if isinstance(failure, kind)))


def about_client_certificate(failure: Exception, *, shown: bool) -> str | None:
    """Return the sentence where a receiver over TLS refused the client's certificate, or its lack.

    shown: whether there was one. TLS 1.3 names the lack; before it, and where a server hangs up
    without a word, it can only be guessed. Sources: RFC 8446, 6.2; RFC 5246, 7.2.2.
    """
    cause = getattr(failure, "os_error", failure)
    reason = str(cause)
    if "CERTIFICATE_REQUIRED" in reason:
        return NO_CERTIFICATE
    if shown:
        refused = next((word for word in _REFUSED if word in reason), None)
        told = refused.removeprefix("ALERT_").replace("_", " ").lower() if refused else ""
        return f"the receiver does not accept the client certificate: {told}" if refused else None
    if "ALERT_HANDSHAKE_FAILURE" in reason or "ALERT_BAD_CERTIFICATE" in reason:
        return f"TLS failed: handshake failure; it may be that {NO_CERTIFICATE}"
    if isinstance(cause, ConnectionResetError) or getattr(cause, "errno", None) in _RESETS:
        return f"connection reset; it may be that {NO_CERTIFICATE}"
    if isinstance(failure, aiohttp.ServerDisconnectedError):
        return f"connection closed without an answer; it may be that {NO_CERTIFICATE}"
    return None


def _connector(failure: aiohttp.ClientConnectorError) -> str:
    cause = failure.os_error
    if isinstance(cause, NotPublicError):
        return f"not called: {cause}"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    return f"no connection: {reason_of(cause)}"


def _system(failure: OSError) -> str:
    return "connection reset" if failure.errno in _RESETS else f"failed: {reason_of(failure)}"


# The first that fits is used.
_SENTENCES: tuple[tuple[type[Exception], Callable[..., str]], ...] = (
    (aiohttp.ClientProxyConnectionError, lambda _: "the proxy cannot be reached"),
    (
        aiohttp.ClientHttpProxyError,
        lambda failure: f"the proxy refused: {failure.status} {failure.message}",
    ),
    (aiohttp.ClientConnectorDNSError, lambda _: "the host name has no address"),
    (
        aiohttp.ClientConnectorCertificateError,
        lambda failure: f"certificate not accepted: {reason_of(failure.certificate_error)}",
    ),
    (aiohttp.ClientConnectorSSLError, lambda failure: f"TLS failed: {reason_of(failure.os_error)}"),
    (aiohttp.ClientConnectorError, _connector),
    # Of mail, whose connections are not the client's.
    (NotPublicError, lambda failure: f"not called: {failure}"),
    (ConnectionRefusedError, lambda _: "connection refused"),
    (
        ssl.SSLCertVerificationError,
        lambda failure: f"certificate not accepted: {reason_of(failure)}",
    ),
    (ssl.SSLError, lambda failure: f"TLS failed: {reason_of(failure)}"),
    (aiohttp.ServerDisconnectedError, lambda _: "connection closed without an answer"),
    (aiohttp.ClientPayloadError, lambda _: "the answer broke off"),
    (
        aiohttp.ClientResponseError,
        lambda failure: f"not a usable HTTP answer: {failure.message}",
    ),
    (aiohttp.InvalidURL, lambda _: "the URL cannot be called"),
    (OSError, _system),
    (Exception, lambda failure: f"failed: {reason_of(failure)}"),
)


def _short(text: str) -> str:
    line = "".join(char if char.isprintable() else " " for char in text)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
