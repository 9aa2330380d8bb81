"""The message that counts others. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from crypitor.webhook.body import rfc3339
from crypitor.webhook.delivery import Delivery, Endpoint
from crypitor.webhook.formats import Form, notice_body

COUNTED = "deliveries.counted"
MOST_NAMED = 3
LONGEST_NAME = 40


def counted_body(
    endpoint: Endpoint, deliveries: Sequence[Delivery], names: Mapping[str, str]
) -> str:
    """Return the body, the same for the same deliveries. names: of monitors, by id."""
    since = min(delivery.created_at for delivery in deliveries)
    until = max(delivery.created_at for delivery in deliveries)
    types = Counter(delivery.type for delivery in deliveries)
    monitors = Counter(one.monitor_id for one in deliveries if one.monitor_id is not None)
    listed = sorted(monitors.items(), key=lambda each: (-each[1], each[0]))
    told = {
        "count": len(deliveries),
        "since": rfc3339(since),
        "until": rfc3339(until),
        "types": dict(sorted(types.items())),
        "monitors": [
            {"id": monitor, "name": names.get(monitor, ""), "count": count}
            for monitor, count in listed
        ],
    }
    form = Form(endpoint.format, endpoint.template)
    return notice_body(form, COUNTED, _sentence(len(deliveries), since, listed, names), told, until)


def _sentence(
    count: int, since: int, monitors: Sequence[tuple[str, int]], names: Mapping[str, str]
) -> str:
    named = [
        f"{of_it} of {names.get(monitor, monitor)[:LONGEST_NAME]}"
        for monitor, of_it in monitors[:MOST_NAMED]
    ]
    if rest := monitors[MOST_NAMED:]:
        named.append(f"{sum(of_it for _, of_it in rest)} of {len(rest)} more monitors")
    of_what = f": {', '.join(named)}" if named else ""
    return f"{count} more messages since {rfc3339(since)[11:16]} UTC{of_what}"
