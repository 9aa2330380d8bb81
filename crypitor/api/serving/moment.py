"""A point in time, as callers write it."""

import re
from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import PlainValidator, WithJsonSchema

_TIME = (
    r"^(19[7-9]\d|2[01]\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$"
)


def _moment(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch(_TIME, value, re.ASCII):
        plus = isinstance(value, str) and re.fullmatch(_TIME, "+".join(value.rsplit(" ", 1)))
        hint = " (in a URL a + is a space: write %2B)" if plus else ""
        raise ValueError(f"this has to be a time as in RFC 3339: 2026-11-22T15:00:00Z{hint}")
    try:
        return round(datetime.fromisoformat(value.upper()).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ValueError("there is no such day") from None


Moment: TypeAlias = Annotated[
    int,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _TIME}),
]
