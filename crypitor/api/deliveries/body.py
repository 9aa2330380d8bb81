"""What a retry may say."""

from pydantic import Field

from crypitor.api.serving.bodies import Body


class RetryBody(Body):
    """Which deliveries are meant."""

    again: bool = Field(default=False, description="Also one that was taken.")
