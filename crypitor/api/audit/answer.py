"""What the API answers of the audit."""

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Time

State = Annotated[
    dict[str, Any] | None,
    Field(description="As JSON shows it, its secrets hidden; null where there is none."),
]


class AuditAnswer(TypedDict):
    """Who did what to what, when."""

    position: Annotated[int, Field(description="Grows from entry to entry.")]
    at: Time
    project: Annotated[str, Field(description="Whose thing it is.")]
    action: Annotated[
        str,
        Field(description="`monitor.create`, `endpoint.secret.read`, `key.rotate` and the like."),
    ]
    subject: Annotated[str | None, Field(description="Id of the thing.")]
    via: Annotated[
        Literal["api", "command", "start"],
        Field(description="A request, a command on the machine, or the start of the service."),
    ]
    key: Annotated[str | None, Field(description="Id of the key that asked.")]
    address: Annotated[str | None, Field(description="Of the machine that asked.")]
    request_id: str | None
    before: State
    after: State


class AuditPage(TypedDict):
    """Entries of the audit, newest first."""

    data: list[AuditAnswer]
    next_cursor: str | None
