"""Parts of several answers."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict  # pydantic takes this TypedDict alone

Time: TypeAlias = Annotated[str, Field(description="RFC 3339, UTC, milliseconds.")]

ArmedFrom: TypeAlias = Annotated[
    dict[str, int | None],
    Field(
        description="Network → first block that this is in force for. null before the first block "
        "of a network that is matched: it will be that one. In every answer that changes what is "
        "watched."
    ),
]

Confirmations = TypeAliasType("Confirmations", int | Literal["safe", "finalized"])
"""An alias with a name gives the schema one, so that clients have a type of that name."""

DecodedArgs: TypeAlias = Annotated[
    dict[str, Any],
    Field(
        description="By name, or position where there is none: integers as decimal text, tuples "
        "as objects, arrays as lists."
    ),
]


class Deleted(TypedDict):
    """What is left of a resource."""

    id: str
    deleted: Literal[True]
