"""The form of an endpoint: its fields as text, and the body of the API that they stand for."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from crypitor.dashboard.frame.visit import Visit
from crypitor.errors import Invalid, Mistake
from crypitor.webhook.silence import DAYS

Number = TypeVar("Number", int, float)

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
    quiet = endpoint.get("quiet") or {"most": "", "window_seconds": ""}
    return {
        "url": endpoint["url"],
        "description": endpoint["description"],
        "format": endpoint["format"],
        "signature": endpoint["signature"],
        "headers": "\n".join(f"{name}: {value}" for name, value in endpoint["headers"].items()),
        "ordered": "true" if endpoint["ordered"] else "",
        "checksum": "true" if endpoint.get("checksum") else "",
        "rate_per_second": "" if rate is None else f"{rate:g}",
        "quiet_most": str(quiet["most"]),
        "quiet_window_seconds": str(quiet["window_seconds"]),
        "silence": "\n".join(map(_silence_text, endpoint.get("silence", ()))),
        "events": ",".join(endpoint["events"]),
        "template": template["body"] if template else "",
        "template_type": template["content_type"] if template else BLANK["template_type"],
    }


def body_of(visit: Visit) -> dict[str, Any]:
    """Return what the API is told. Raises Invalid for what is no header and no number."""
    template, rate = visit.field("template"), visit.field("rate_per_second")
    return {
        "url": visit.field("url"),
        "description": visit.field("description"),
        "format": visit.field("format") or "standard",
        "signature": visit.field("signature") or "v1",
        "headers": _headers(visit.field("headers")),
        "ordered": visit.field("ordered") == "true",
        "checksum": visit.field("checksum") == "true",
        "rate_per_second": _number(rate, float, "/rate_per_second") if rate else None,
        "quiet": _quiet(visit.field("quiet_most"), visit.field("quiet_window_seconds")),
        "silence": _silence(visit.field("silence")),
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


def _quiet(most: str, window_seconds: str) -> dict[str, int] | None:
    """Return the limit, None where both fields are empty: one alone is refused as no number."""
    if not most and not window_seconds:
        return None
    return {
        "most": _number(most, int, "/quiet/most"),
        "window_seconds": _number(window_seconds, int, "/quiet/window_seconds"),
    }


def _silence_text(one: Mapping[str, Any]) -> str:
    """Return hours as a line of the form."""
    days = " ".join(one["days"]) if len(one["days"]) < len(DAYS) else ""
    return f"{one['begins']} {one['ends']} {one['timezone']} {days}".strip()


def _silence(text: str) -> list[dict[str, Any]]:
    """Return the hours of a form; the API says what is wrong with their parts."""
    found = []
    for line in filter(str.strip, text.splitlines()):
        words = line.replace(",", " ").split()
        begins, ends, zone, *days = words + [""] * (3 - len(words))
        found.append(
            {"begins": begins, "ends": ends, "timezone": zone or "UTC", "days": days or None}
        )
    return found


def _number(text: str, kind: type[Number], pointer: str) -> Number:
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        detail = "this has to be a number" if kind is float else "this has to be a whole number"
        raise Invalid(detail, [Mistake(pointer, detail)]) from None
