"""What the API answers of addresses."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import ArmedFrom
from crypitor.api.serving.entries import InvalidEntry


class LabelledAddress(TypedDict):
    """A watched address."""

    address: str
    label: str | None


class AddedAnswer(TypedDict):
    """What became of the addresses: added + already_present + invalid_count is what was sent."""

    added: int
    already_present: int
    invalid: Annotated[list[InvalidEntry], Field(description="At most the first 1000.")]
    invalid_count: int
    armed_from: ArmedFrom


class RemovedAnswer(TypedDict):
    """What became of the addresses."""

    removed: int
    not_present: int
    invalid: Annotated[list[InvalidEntry], Field(description="At most the first 1000.")]
    invalid_count: int
    armed_from: ArmedFrom


class AddressPage(TypedDict):
    """Addresses in their own order."""

    data: list[LabelledAddress]
    next_cursor: str | None
