"""How much is told, and when, as fields of a form: of an endpoint, and of a monitor."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from crypitor.errors import Invalid, Mistake
from crypitor.webhook.silence import DAYS

Number = TypeVar("Number", int, float)


def hush_fields(stored: Mapping[str, Any]) -> dict[str, str]:
    """Return `quiet` and `silence`, as the API answers them, as fields of a form."""
    quiet = stored.get("quiet") or {"most": "", "window_seconds": ""}
    return {
        "quiet_most": str(quiet["most"]),
        "quiet_window_seconds": str(quiet["window_seconds"]),
        "silence": "\n".join(map(_silence_text, stored.get("silence", ()))),
    }


def quiet_of(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the limit, None where both fields are empty. Raises Invalid for one of them alone."""
    most, window_seconds = fields.get("quiet_most", ""), fields.get("quiet_window_seconds", "")
    if not most and not window_seconds:
        return None
    return {
        "most": number_of(most, int, "/quiet/most"),
        "window_seconds": number_of(window_seconds, int, "/quiet/window_seconds"),
    }


def silence_of(fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the hours of a form; the API says what is wrong with their parts."""
    found = []
    for line in filter(str.strip, fields.get("silence", "").splitlines()):
        words = line.replace(",", " ").split()
        begins, ends, zone, *days = words + [""] * (3 - len(words))
        found.append(
            {"begins": begins, "ends": ends, "timezone": zone or "UTC", "days": days or None}
        )
    return found


def number_of(text: str, kind: type[Number], pointer: str) -> Number:
    """Return the number that a field holds. Raises Invalid."""
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        detail = "this has to be a number" if kind is float else "this has to be a whole number"
        raise Invalid(detail, [Mistake(pointer, detail)]) from None


def _silence_text(one: Mapping[str, Any]) -> str:
    """Return hours as a line of the form."""
    days = " ".join(one["days"]) if len(one["days"]) < len(DAYS) else ""
    return f"{one['begins']} {one['ends']} {one['timezone']} {days}".strip()
