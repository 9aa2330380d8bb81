"""What an answer makes of an attempt: its status, and for some what its body says."""

import math
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from crypitor.webhook.connections import Answer
from crypitor.webhook.delivery import Control, Endpoint, Moved, Outcome
from crypitor.webhook.destinations import PEOPLE
from crypitor.webhook.failure import NO_CERTIFICATE, refusal
from crypitor.webhook.hidden import holds_secrets, without_secrets
from crypitor.webhook.mail import EMAIL
from crypitor.webhook.said import NOTHING_SAID, Said, announced_rest_ms, moved, said
from crypitor.webhook.success import has_status, missing_in

MOST_KEPT_CHARACTERS = 4096
MOST_ASKED = 1e9
# What nginx answers, after a handshake without one, where a client certificate is a must.
_NGINX = b"No required SSL certificate was sent"
_CONTROLS = frozenset(Control)


class _Parameters(msgspec.Struct):
    retry_after: float | None = None


class _Limited(msgspec.Struct):
    """What chat services say in a 429."""

    retry_after: float | None = None
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a body adds to a status."""

    error: str | None
    taken: bool = False
    said: Said = NOTHING_SAID


def outcome_of(
    endpoint: Endpoint, answer: Answer, error: str | None, started_at: int, duration_ms: int
) -> Outcome:
    """Return what came of a POST.

    error: what kept it from being answered, None where it was. started_at: unix milliseconds.
    """
    chat = endpoint.format in PEOPLE
    retry_after = answer.retry_after or _asked_in(answer)
    if not chat and endpoint.success is None:  # as with most: nothing but its status counts
        wrong = error or refusal(answer.status_code, answer.location)
        if wrong and _NGINX in answer.body:
            wrong = f"answered {answer.status_code}: {NO_CERTIFICATE}"
        if not endpoint.headers and not holds_secrets(endpoint.url):
            return Outcome(
                started_at=started_at,
                duration_ms=duration_ms,
                status_code=answer.status_code,
                error=wrong,
                answer=_text(answer, all_of_it=False),
                retry_after=retry_after,
                control=_control(answer.control),
            )
        read, rest_ms = _Read(wrong), 0
    else:
        read = _Read(error) if error else _read(endpoint, answer)
        waits = read.said.wait_seconds if read.error else 0
        retry_after = retry_after or (str(waits) if waits else None)
        announced = announced_rest_ms(endpoint.format, answer.headers)
        rest_ms = max(announced, waits * 1000)
    text, wrong = _text(answer, all_of_it=True), read.error
    broke_off = error is not None and endpoint.format != EMAIL
    cut = answer.readable and (broke_off or not answer.whole)
    text = text and without_secrets(text, endpoint.url, endpoint.headers, chat=chat, cut=cut)
    wrong = wrong and without_secrets(
        wrong, endpoint.url, endpoint.headers, chat=chat, cut=wrong.endswith("…")
    )
    return Outcome(
        started_at=started_at,
        duration_ms=duration_ms,
        status_code=answer.status_code,
        error=wrong,
        answer=text and text[:MOST_KEPT_CHARACTERS],
        retry_after=retry_after,
        control=_control(answer.control),
        taken=read.taken,
        rest_ms=rest_ms,
        moved=_moved(endpoint, read.said),
    )


def _read(endpoint: Endpoint, answer: Answer) -> _Read:
    """Read an answer that may say something else in its body than by its status."""
    status, success = answer.status_code, endpoint.success
    if status is None:
        return _Read(None)
    body = bytes(answer.body) if answer.readable else b""
    told = said(endpoint.format, body)
    refused = refusal(status, answer.location)
    if not has_status(success, status):
        wanted = success.status if success else ""
        error = refused or f"answered {status}, and success is {wanted}"
        more = f"; {told.error}" if told.error and body.startswith(b"{") else ""
        return _Read(error + more, said=told)
    if success is not None and success.body is not None:  # then its owner's word counts alone
        missing = missing_in(success, body, whole=answer.whole)
    else:
        missing = told.error
    if missing is not None:
        return _Read(f"answered {status}, but {missing}", said=told)
    return _Read(None, taken=True)


def _moved(endpoint: Endpoint, told: Said) -> Moved | None:
    if told.moved_to is None:
        return None
    url = moved(endpoint.url, told.moved_to)
    return None if url == endpoint.url else Moved(endpoint.url, url)


def _asked_in(answer: Answer) -> str | None:
    """Return the wait that chat services name in the body of a 429, in seconds.

    Discord as `retry_after`, Telegram as `parameters.retry_after`.
    """
    if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS or not answer.readable:
        return None
    try:
        told = msgspec.json.decode(answer.body, type=_Limited)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    asked = told.retry_after if told.retry_after is not None else told.parameters.retry_after
    return None if asked is None or not 0 < asked < MOST_ASKED else str(math.ceil(asked))


def _control(value: str | None) -> Control | None:
    word = value.strip().lower() if value else ""
    return Control(word) if word in _CONTROLS else None


def _text(answer: Answer, *, all_of_it: bool) -> str | None:
    """Return an answer's body as text; at least what is kept of it."""
    if answer.status_code is None:
        return None
    if not answer.readable:
        return "(compressed)" if answer.body else ""
    if not answer.body:
        return ""
    body = answer.body if all_of_it else answer.body[: 4 * MOST_KEPT_CHARACTERS]
    text = bytes(body).decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if all_of_it else text[:MOST_KEPT_CHARACTERS]
