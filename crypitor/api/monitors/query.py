"""How a list of monitors is asked for."""

from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from crypitor.api.serving.bodies import LINE
from crypitor.api.serving.paging import Name, Query


def _truth(value: object) -> bool:
    if value not in ("true", "false"):
        raise ValueError("this has to be true or false")
    return value == "true"


class MonitorQuery(Query):
    """What a list of monitors is narrowed to."""

    network: Name | None = None
    tag: Annotated[str, Field(min_length=1, max_length=100, pattern=LINE)] | None = None
    enabled: Annotated[bool, PlainValidator(_truth), WithJsonSchema({"type": "boolean"})] | None = (
        None
    )
    search: Annotated[str, Field(min_length=1, max_length=200, pattern=LINE)] | None = Field(
        None, description="Part of name or note, in any case, or an id."
    )
