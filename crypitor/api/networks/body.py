"""What a network that stopped is told."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from crypitor.api.serving.bodies import LAST_BLOCK, Body, whole


class ResumeBody(Body):
    """Where a network goes on."""

    from_block: Annotated[int, BeforeValidator(whole)] = Field(
        ge=0,
        le=LAST_BLOCK,
        description="The first block that is read again; its parent is kept. 0 begins the chain "
        "anew.",
    )
    dry_run: bool = Field(False, description="Only say what it would come to; nothing is changed.")
