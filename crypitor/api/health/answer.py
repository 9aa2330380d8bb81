"""What the API answers of the process itself."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12


class Alive(TypedDict):
    """The process lives."""

    status: Literal["ok"]


class ProcessAnswer(TypedDict):
    """One process of the service, as it said itself in the last ten seconds."""

    id: str
    roles: list[str]
    troubles: Annotated[dict[str, str], Field(description="Empty when it can do its work.")]


class Ready(TypedDict):
    """This process can do its work."""

    status: Literal["ready"]
    roles: list[str]
    degraded: NotRequired[
        Annotated[list[str], Field(description="Networks and roles that stand still meanwhile.")]
    ]
    troubles: NotRequired[
        Annotated[dict[str, str], Field(description="What is in trouble → which trouble.")]
    ]
    processes: Annotated[
        list[ProcessAnswer], Field(description="All that are heard of, this one among them.")
    ]
