"""The bodies that tell of an endpoint in trouble. Pure."""

from urllib.parse import parse_qs, urlsplit

from crypitor.monitor.models import computed_id
from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Endpoint, Notice
from crypitor.webhook.formats import Form
from crypitor.webhook.formats import notice_body as body_of_notice

HOUR_MS = 3_600_000


def notice_id(endpoint: Endpoint, notice: Notice, recipient: str, now: int) -> str:
    """Return the id of the delivery of a notice: one an hour, endpoint, notice and recipient."""
    return computed_id("de_", endpoint.id, notice, recipient, now // HOUR_MS)


def notice_body(endpoint: Endpoint, notice: Notice, form: Form, now: int) -> str:
    """Return the body. Of the URL it has the host alone: paths hold tokens. now: unix ms.

    form: of the endpoint that is told.
    """
    since, host = endpoint.failing_since, urlsplit(endpoint.url).hostname
    reason = _moved(endpoint) if notice is Notice.MOVED else endpoint.state_reason
    told = {
        "endpoint": {"id": endpoint.id, "description": endpoint.description, "host": host},
        "state": endpoint.state.value,
        "reason": reason,
        "failures_in_row": endpoint.failures_in_row,
        "failing_since": None if since is None else rfc3339(since),
    }
    name = endpoint.description or host
    what = "moved" if notice is Notice.MOVED else f"is {endpoint.state}"
    return body_of_notice(form, notice.value, f"Endpoint {name} {what}: {reason}", told, now)


def _moved(endpoint: Endpoint) -> str:
    chat = parse_qs(urlsplit(endpoint.url).query).get("chat_id", [""])[0]
    return f"its group has become chat {chat}, to which messages go from now on"
