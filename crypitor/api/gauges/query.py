"""How a list of gauges is asked for."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from crypitor.api.serving.bodies import AddressText
from crypitor.api.serving.paging import Name, Query

MOST_READINGS = 200


def _whole(value: object) -> object:
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) < 4):
        raise ValueError(f"this has to be a number from 0 to {MOST_READINGS}")
    return value


class GaugeQuery(Query):
    """What a list of gauges is narrowed to."""

    limit: Annotated[int, BeforeValidator(_whole)] = Field(25, ge=1, le=100)
    network: Name | None = None
    address: AddressText | None = Field(
        None, description="The account of a balance, the contract of a view."
    )
    readings: Annotated[int, BeforeValidator(_whole)] = Field(
        0, ge=0, le=MOST_READINGS, description="How many of the newest readings of each are wanted."
    )
