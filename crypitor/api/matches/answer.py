"""What the API answers of matches."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.matches.parts import Found
from crypitor.api.serving.answers import Confirmations, Time
from crypitor.api.serving.words import PhaseWord


class AcknowledgedAnswer(TypedDict):
    """Who has said first that somebody takes care of a match, and when."""

    at: Time
    by: Annotated[str, Field(description="The id of the key.")]


class MatchAnswer(Found):
    """A match in its present phase: what its webhooks have in `data`, and phase and time.

    `acknowledged` once somebody has.
    """

    phase: PhaseWord
    created_at: Time
    confirmations: Annotated[
        int | None, Field(description="Of now: tip - block + 1; null while the tip is not known.")
    ]
    confirmations_required: Confirmations
    acknowledged: NotRequired[AcknowledgedAnswer]


class MatchPage(TypedDict):
    """Matches by the order in which they were stored."""

    data: list[MatchAnswer]
    next_cursor: str | None
