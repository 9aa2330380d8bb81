"""What a new key may be."""

from typing import Literal

from pydantic import Field

from crypitor.api.serving.bodies import Body, Line
from crypitor.api.serving.moment import Moment


class KeyBody(Body):
    """An API key."""

    name: Line = Field(min_length=1, max_length=200)
    scope: Literal["read", "write", "admin"] = Field(
        "write", description="Each includes those before it."
    )
    project: str | None = Field(
        None, description="null: the project of the key that asks; others need an operator's key."
    )
    expires_at: Moment | None = Field(None, description="From then on it opens nothing.")


class KeyRotationBody(Body):
    """For how long both keys open."""

    overlap_seconds: int = Field(
        24 * 3600, ge=0, le=30 * 24 * 3600, description="For how long the old key opens yet."
    )
