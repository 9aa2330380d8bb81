"""What is asked of the log."""

from typing import Literal

from pydantic import Field

from crypitor.api.serving.bodies import Body


class LogLevelBody(Body):
    """From which level on the process, or one module of it, is heard."""

    level: Literal["debug", "info", "warning", "error"]
    module: str | None = Field(
        default=None,
        pattern=r"^[a-z_]+(\.[a-z_]+)*$",
        max_length=200,
        description="As in `worker` or `worker.follower`, with all within it; null for all.",
    )
