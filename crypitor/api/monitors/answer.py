"""What the API answers of monitors and their addresses."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.answers.endpoints import EndpointAnswer
from crypitor.api.answers.terms import ArmedFrom, Confirmations, Time


class LabelledAddress(TypedDict):
    """A watched address."""

    address: str
    label: str | None


class RuleAnswer(TypedDict):
    """One part of the question: what was given, and the direction where there is one."""

    kind: str
    signature: NotRequired[str | dict[str, Any]]
    direction: NotRequired[str]
    contracts: NotRequired[list[str]]
    where: NotRequired[str]
    include_failed: NotRequired[bool]


class MonitorAnswer(TypedDict):
    """A monitor.

    `webhook`, with its secret, is only in the answer to a request that had one.
    """

    id: str
    name: str
    networks: list[str]
    addresses: Annotated[
        Literal["any"] | list[str | LabelledAddress] | None,
        Field(
            description="As they were written, in their own order; null when there are more than "
            "1000, and in lists: read them through /addresses."
        ),
    ]
    address_count: int
    rules: list[RuleAnswer]
    endpoints: list[str]
    webhook: NotRequired[EndpointAnswer]
    notify: list[str]
    confirmations: Confirmations | None
    tags: list[str]
    note: str
    enabled: bool
    created_at: Time
    updated_at: Time
    armed_from: NotRequired[ArmedFrom]


class MonitorPage(TypedDict):
    """Monitors, newest first."""

    data: list[MonitorAnswer]
    next_cursor: str | None


class DeletedMonitor(TypedDict):
    """What is left of a monitor."""

    id: str
    deleted: Literal[True]
    armed_from: ArmedFrom


class InvalidEntry(TypedDict):
    """A line that was not taken. For JSON `line` is the place in the list; both begin with 1."""

    line: int
    value: str
    reason: str


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
