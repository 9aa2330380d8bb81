"""What the API answers of keys."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Time


class KeyAnswer(TypedDict):
    """An API key.

    `secret` only in the answer that makes it; null where that answer is repeated for an
    Idempotency-Key, because it is stored nowhere.
    """

    id: str
    project: str
    name: str
    scope: Literal["read", "write", "admin"]
    created_at: Time
    expires_at: Annotated[
        str | None, Field(description="From then on it opens nothing; null: for ever.")
    ]
    last_used_at: Annotated[
        str | None, Field(description="To some ten seconds; null before the first time.")
    ]
    revoked_at: str | None
    secret: NotRequired[str | None]


class KeyPage(TypedDict):
    """Keys, newest first."""

    data: list[KeyAnswer]
    next_cursor: str | None
