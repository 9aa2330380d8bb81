"""The bodies that tell of an endpoint in trouble. Pure."""

from urllib.parse import urlsplit

import msgspec

from crypitor.monitor.models import computed_id
from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Endpoint, Notice

HOUR_MS = 3_600_000


def notice_id(endpoint: Endpoint, notice: Notice, recipient: str, now: int) -> str:
    """Return the id of the delivery of a notice: one an hour, endpoint, notice and recipient."""
    return computed_id("de_", endpoint.id, notice, recipient, now // HOUR_MS)


def notice_body(endpoint: Endpoint, notice: Notice, now: int) -> str:
    """Return the body. Of the URL it has the host alone: paths hold tokens. now: unix ms."""
    since = endpoint.failing_since
    document = {
        "type": notice,
        "timestamp": rfc3339(now),
        "data": {
            "endpoint": {
                "id": endpoint.id,
                "description": endpoint.description,
                "host": urlsplit(endpoint.url).hostname,
            },
            "state": endpoint.state,
            "reason": endpoint.state_reason,
            "failures_in_row": endpoint.failures_in_row,
            "failing_since": None if since is None else rfc3339(since),
        },
    }
    return msgspec.json.encode(document).decode()
