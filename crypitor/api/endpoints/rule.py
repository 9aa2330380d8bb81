"""Success, TLS and how much is told, as the API writes them and as the sender knows them."""

from collections.abc import Sequence
from typing import cast

from crypitor.api.endpoints.answer import QuietAnswer, SilenceAnswer, SuccessAnswer, TlsAnswer
from crypitor.api.endpoints.body import (
    EndpointBody,
    PointedBody,
    QuietBody,
    SilenceBody,
    SuccessBody,
    TlsBody,
)
from crypitor.database.keys import Caller, Scope
from crypitor.errors import Forbidden, Invalid, Mistake
from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Endpoint
from crypitor.webhook.hush import ONE_BY_ONE
from crypitor.webhook.quiet import FIRST, Quiet, Window, changed
from crypitor.webhook.silence import DAYS, Silence, clock_of, minutes_of
from crypitor.webhook.success import Pointed, Success, check_success
from crypitor.webhook.tls import Tls, check_tls, shown
from crypitor.webhook.topic import topic_of


def check_rules(success: Success | None, tls: Tls | None) -> None:
    """Raise Invalid, with pointers, for what cannot be."""
    mistakes: list[Mistake] = []
    try:
        if success is not None:
            check_success(success)
    except Invalid as error:
        mistakes += error.mistakes
    try:
        if tls is not None:
            check_tls(tls)
    except Invalid as error:
        mistakes += error.mistakes
    if mistakes:
        raise Invalid("success or TLS cannot be as written", mistakes)


def success_of(body: SuccessBody | None) -> Success | None:
    """Return the rule that a request holds."""
    if body is None:
        return None
    if isinstance(body.body, PointedBody):
        return Success(body.status, Pointed(body.body.pointer, body.body.value))
    return Success(body.status, body.body)


def success_answer(success: Success) -> SuccessAnswer:
    """Return a rule as JSON has it."""
    if isinstance(success.body, Pointed):
        pointed = success.body
        return {
            "status": success.status,
            "body": {"pointer": pointed.pointer, "value": pointed.value},
        }
    return {"status": success.status, "body": success.body}


def tls_of(body: TlsBody | None) -> Tls | None:
    """Return the TLS that a request holds, None for nothing of its own."""
    return None if body is None else Tls(body.ca, body.certificate, body.key).wanted


def tls_answer(tls: Tls) -> TlsAnswer:
    """Return what is shown of it."""
    told = shown(tls)
    return {
        "ca": told.ca,
        "certificate": told.certificate,
        "key": "***" if told.key else None,
        "expires_at": None if told.expires_at is None else rfc3339(told.expires_at * 1000),
    }


def check_quiet(body: EndpointBody) -> list[Mistake]:
    """Return what is wrong with the limit of an endpoint."""
    if body.quiet is None:
        return []
    if body.format in ONE_BY_ONE or topic_of(body.url) is not None:
        kind = "a topic" if topic_of(body.url) is not None else f"the format {body.format}"
        return [Mistake("/quiet", f"{kind} wants each message by itself; leave quiet out")]
    if body.ordered or body.digest is not None:
        wrong = "ordered" if body.ordered else "digest"
        return [Mistake("/quiet", f"it does not go together with {wrong}; choose one of them")]
    return []


def quiet_of(body: QuietBody | None) -> Quiet | None:
    """Return the limit that a request holds."""
    return None if body is None else Quiet(body.most, body.window_seconds)


def quiet_answer(quiet: Quiet) -> QuietAnswer:
    """Return a limit as JSON has it."""
    return {"most": quiet.most, "window_seconds": quiet.window_seconds}


def silence_of(bodies: Sequence[SilenceBody]) -> tuple[Silence, ...]:
    """Return the hours of silence that a request holds."""
    return tuple(
        Silence(
            minutes_of(body.begins),
            minutes_of(body.ends),
            body.timezone,
            tuple(sorted({DAYS.index(day) for day in body.days or DAYS})),
        )
        for body in bodies
    )


def silence_answer(silences: Sequence[Silence]) -> list[SilenceAnswer]:
    """Return hours of silence as JSON has them."""
    return [
        cast(
            "SilenceAnswer",
            {
                "begins": clock_of(one.begins),
                "ends": clock_of(one.ends),
                "timezone": one.timezone,
                "days": [DAYS[day] for day in one.days],
            },
        )
        for one in silences
    ]


def window_after(before: Endpoint, body: EndpointBody) -> Window:
    """Return where an endpoint stands with its limit; other hours of silence begin it anew."""
    quiet = quiet_of(body.quiet)
    if silence_of(body.silence) == before.silence:
        return changed(before.quiet, quiet, before.window)
    return FIRST if quiet is None else Window(0, min(before.window.left, 1))


def check_operator(who: Caller) -> None:
    """Raise Forbidden unless a key may have calls made to anywhere, this machine too."""
    if not (who.operator and who.scope >= Scope.ADMIN):
        raise Forbidden(
            "what Apprise calls is not checked as other endpoints are: it needs an admin key of the"
            " operator's project"
        )
