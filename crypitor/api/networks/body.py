"""What a network that stopped is told."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from crypitor.api.serving.bodies import LAST_BLOCK, Body


class ResumeBody(Body):
    """Where a network goes on."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"dry_run": {"const": True}}, "required": ["dry_run"]},
            "else": {
                "properties": {"from_block": {"type": "integer"}},
                "required": ["from_block"],
            },
        }
    )

    from_block: int | None = Field(
        None,
        ge=0,
        le=LAST_BLOCK,
        description="The first block that is read again; its parent is kept. 0 begins the chain "
        "anew. A dry run may leave it out: then a block is proposed.",
    )
    dry_run: bool = Field(False, description="Only say what it would come to; nothing is changed.")

    @model_validator(mode="after")
    def _chosen_or_tried(self) -> Self:
        if self.from_block is None and not self.dry_run:
            raise ValueError("from_block is wanted; with dry_run a block is proposed")
        return self
