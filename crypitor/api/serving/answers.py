"""Parts of several answers."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

Time: TypeAlias = Annotated[str, Field(description="RFC 3339, UTC, milliseconds.")]

ArmedFrom: TypeAlias = Annotated[
    dict[str, int | None],
    Field(
        description="Network → first block that this is in force for; null while not known. "
        "In every answer that changes what is watched."
    ),
]

Confirmations: TypeAlias = int | Literal["safe", "finalized"]


class Deleted(TypedDict):
    """What is left of a resource."""

    id: str
    deleted: Literal[True]
