"""What a new key may be."""

from typing import Literal

from pydantic import Field

from crypitor.api.serving.bodies import Body, Line


class KeyBody(Body):
    """An API key."""

    name: Line = Field(min_length=1, max_length=200)
    scope: Literal["read", "write", "admin"] = Field(
        "write", description="Each includes those before it."
    )
    project: str | None = Field(
        None, description="null: the project of the key that asks; others need an operator's key."
    )
