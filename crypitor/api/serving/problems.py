"""What a problem document has (RFC 9457), for the OpenAPI document; `errors.py` makes them."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12


class Wrong(TypedDict):
    """One wrong place: an RFC 6901 pointer into the body, or `?name` of a parameter."""

    pointer: str
    detail: str


class Problem(TypedDict):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[Wrong]]
    error_count: NotRequired[
        Annotated[int, Field(description="Of all errors, where more were found than are listed.")]
    ]
    troubles: NotRequired[
        Annotated[dict[str, str], Field(description="/readyz: what is in trouble → which trouble.")]
    ]
