"""What of a monitor does less than one may think. Pure."""

from collections.abc import Iterator

from crypitor.api.monitors.answer import MonitorAnswer, MonitorWarning
from crypitor.monitor.models import Kind

WITHOUT_PARTY = (Kind.EVENT, Kind.CALL, Kind.VIEW)


def warnings_of(monitor: MonitorAnswer) -> list[MonitorWarning]:
    """Return what whoever saved a monitor may not have meant."""
    return list(_warnings(monitor))


def _warnings(monitor: MonitorAnswer) -> Iterator[MonitorWarning]:
    if monitor["addresses"] != "any" and not monitor["address_count"]:
        idle = sorted(
            {rule["kind"] for rule in monitor["rules"] if rule["kind"] not in WITHOUT_PARTY}
        )
        if idle:
            yield {
                "pointer": "/addresses",
                "detail": f"without addresses rules of kind {', '.join(idle)} match nothing: add "
                'some here or through /addresses, or say "any"',
            }
    if not monitor["endpoints"]:
        yield {
            "pointer": "/endpoints",
            "detail": "without an endpoint nobody is told: matches can only be read, at "
            "/v1/matches and /v1/events",
        }
