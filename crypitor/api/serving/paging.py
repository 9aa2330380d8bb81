"""Pages: how a list is asked for, and what every query has."""

import re
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from crypitor.database.epochs import PREFIX
from crypitor.database.sql import Order


def _whole(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"([0-9]{1,6})(?:\.0{1,6})?", value, re.ASCII)
    if found is None:
        raise ValueError("this has to be a number from 1 to 1000")
    return found[1]


Name: TypeAlias = Annotated[str, Field(pattern="^[A-Za-z0-9_.-]{1,64}$")]


class Placed(BaseModel):
    """Parameters of what begins at a place that was given out."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = None


def cursor_of(places: str) -> Any:
    """Return the field of a list's cursor. places: a pattern of what it holds but for its epoch.

    Each list has its own: with any other text it would begin somewhere, and nobody would notice.
    """
    return Field(
        None, pattern=f"^{PREFIX}{places}$", description="`next_cursor` of the page before."
    )


def ids(prefix: str) -> str:
    """Return the pattern of ids as places in a list."""
    return f"{prefix}[A-Za-z0-9_-]{{1,125}}"


class Query(Placed):
    """Parameters of a list; each has its own cursor."""

    limit: Annotated[int, BeforeValidator(_whole)] = Field(100, ge=1, le=1000)


class OrderedQuery(Query):
    """Parameters of a list that can be read from either end; a cursor is of its order."""

    order: Order = Field("desc", description="desc: newest first; asc: oldest first.")
