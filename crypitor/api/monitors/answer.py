"""What the API answers of monitors."""

from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.addresses.answer import LabelledAddress
from crypitor.api.endpoints.answer import EndpointAnswer, SilenceAnswer
from crypitor.api.serving.answers import ArmedFrom, Confirmations, Time
from crypitor.api.serving.words import PhaseWord
from crypitor.monitor.models import Kind

Severity: TypeAlias = Literal["info", "warning", "error", "critical"]


class RuleAnswer(TypedDict):
    """One part of the question: what was given, and the direction where there is one."""

    kind: Kind
    signature: NotRequired[str | dict[str, Any]]
    direction: NotRequired[Literal["all", "in", "out"]]
    contracts: NotRequired[list[str]]
    where: NotRequired[str]
    include_failed: NotRequired[bool]
    args: NotRequired[list[Any] | dict[str, Any]]
    token_id: NotRequired[str]
    rearm: NotRequired[str]
    every_seconds: NotRequired[int]
    every_blocks: NotRequired[int]


class MonitorWarning(TypedDict):
    """Why a monitor, as it is, does less than one may think. `pointer`: of the field."""

    pointer: str
    detail: str


class MonitorQuietAnswer(TypedDict):
    """At most so many messages in a window to each endpoint; then one that counts the rest."""

    most: int
    window_seconds: int
    webhooks: bool


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
    notify: list[PhaseWord]
    confirmations: Confirmations | None
    tags: list[str]
    note: str
    severity: NotRequired[Severity]
    quiet: NotRequired[MonitorQuietAnswer]
    silence: NotRequired[list[SilenceAnswer]]
    enabled: bool
    created_at: Time
    updated_at: Time
    armed_from: NotRequired[ArmedFrom]
    warnings: NotRequired[
        Annotated[list[MonitorWarning], Field(description="Not in lists; empty where all is well.")]
    ]


class MonitorPage(TypedDict):
    """Monitors, newest first."""

    data: list[MonitorAnswer]
    next_cursor: str | None


class DeletedMonitor(TypedDict):
    """What is left of a monitor."""

    id: str
    deleted: Literal[True]
    armed_from: ArmedFrom
