"""What success looks like, and TLS, as the API writes them and as the sender knows them."""

from crypitor.api.endpoints.answer import SuccessAnswer, TlsAnswer
from crypitor.api.endpoints.body import PointedBody, SuccessBody, TlsBody
from crypitor.errors import Invalid, Mistake
from crypitor.webhook.body import rfc3339
from crypitor.webhook.success import Pointed, Success, check_success
from crypitor.webhook.tls import Tls, check_tls, shown


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
