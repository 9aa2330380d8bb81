"""What `/readyz` is asked."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from crypitor.api.serving.paging import Name


class ReadyQuery(BaseModel):
    """Of what `/readyz` is asked."""

    model_config = ConfigDict(extra="forbid")

    network: Name | None = Field(None, description="Answer for this network alone.")
    role: Literal["api", "worker", "monitor", "webhook"] | None = Field(
        None, description="Answer for this role alone, in whichever process it runs."
    )
