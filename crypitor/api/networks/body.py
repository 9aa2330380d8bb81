"""What a network that stopped is told."""

from pydantic import Field

from crypitor.api.serving.bodies import LAST_BLOCK, Body


class ResumeBody(Body):
    """Where a network goes on."""

    from_block: int = Field(
        ge=0,
        le=LAST_BLOCK,
        description="The first block that is read again; its parent is kept. 0 begins the chain "
        "anew.",
    )
    dry_run: bool = Field(False, description="Only say what it would come to; nothing is changed.")
