"""Pages: how a list is asked for, and what every query has."""

import re
from typing import Annotated, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _whole(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch("[0-9]{1,6}", value, re.ASCII):
        raise ValueError("this has to be a number from 1 to 1000")
    return value


Name: TypeAlias = Annotated[str, Field(pattern="^[A-Za-z0-9_.-]{1,64}$")]


class Query(BaseModel):
    """Parameters of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, BeforeValidator(_whole)] = Field(100, ge=1, le=1000)
    cursor: str | None = Field(
        None,
        pattern="^[A-Za-z0-9_-]{1,128}$",
        description="`next_cursor` of the page before.",
    )
