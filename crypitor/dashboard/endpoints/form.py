"""The form of an endpoint: its fields as text, and the body of the API that they stand for."""

from collections.abc import Mapping
from typing import Any

from crypitor.dashboard.frame.hush import hush_fields, number_of, quiet_of, silence_of
from crypitor.dashboard.frame.visit import Visit
from crypitor.errors import Invalid, Mistake

BLANK: Mapping[str, str] = {
    "url": "",
    "description": "",
    "format": "standard",
    "signature": "v1",
    "headers": "",
    "ordered": "",
    "checksum": "",
    "rate_per_second": "",
    "quiet_most": "",
    "quiet_window_seconds": "",
    "silence": "",
    "events": "",
    "template": "",
    "template_type": "application/json",
}


def fields_of(endpoint: Mapping[str, Any]) -> dict[str, str]:
    """Return an endpoint, as the API answers it, as the fields of its form."""
    template, rate = endpoint["template"], endpoint["rate_per_second"]
    return {
        "url": endpoint["url"],
        "description": endpoint["description"],
        "format": endpoint["format"],
        "signature": endpoint["signature"],
        "headers": "\n".join(f"{name}: {value}" for name, value in endpoint["headers"].items()),
        "ordered": "true" if endpoint["ordered"] else "",
        "checksum": "true" if endpoint.get("checksum") else "",
        "rate_per_second": "" if rate is None else f"{rate:g}",
        **hush_fields(endpoint),
        "events": ",".join(endpoint["events"]),
        "template": template["body"] if template else "",
        "template_type": template["content_type"] if template else BLANK["template_type"],
    }


def body_of(visit: Visit) -> dict[str, Any]:
    """Return what the API is told. Raises Invalid for what is no header and no number."""
    template, rate = visit.field("template"), visit.field("rate_per_second")
    hush = {name: visit.field(name) for name in ("quiet_most", "quiet_window_seconds", "silence")}
    return {
        "url": visit.field("url"),
        "description": visit.field("description"),
        "format": visit.field("format") or "standard",
        "signature": visit.field("signature") or "v1",
        "headers": _headers(visit.field("headers")),
        "ordered": visit.field("ordered") == "true",
        "checksum": visit.field("checksum") == "true",
        "rate_per_second": number_of(rate, float, "/rate_per_second") if rate else None,
        "quiet": quiet_of(hush),
        "silence": silence_of(hush),
        "events": _events(visit.field("events")),
        "template": (
            {"body": template, "content_type": visit.field("template_type")} if template else None
        ),
    }


def _events(ticked: str) -> list[str]:
    """Return which news is wanted: of an endpoint that wanted some, the same."""
    if not ticked:
        return []
    return ticked.split(",") if "." in ticked else ["endpoint.failing", "endpoint.disabled"]


def _headers(text: str) -> dict[str, str]:
    headers = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, value = line.partition(":")
        if not colon:
            detail = f"'{line.strip()[:60]}' has no colon; write a line for each: Name: value"
            raise Invalid(detail, [Mistake("/headers", detail)])
        headers[name.strip()] = value.strip()
    return headers
