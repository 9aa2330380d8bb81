"""What every table of the configuration is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PerSecond = Annotated[float, Field(ge=0.00001, allow_inf_nan=False)]
"""From about one a day: of less, nobody could say when the next comes."""


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def one_or_many(value: object) -> object:
    """Take one text for a list of it."""
    return [value] if isinstance(value, str) else value
