"""What the API answers of the configuration."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12


class ReloadAnswer(TypedDict):
    """What was read again."""

    changed: Annotated[list[str], Field(description="Keys that are in force in a moment.")]
    restart: Annotated[
        list[str], Field(description="Keys that differ, and take effect at the next start.")
    ]


class LogLevelAnswer(TypedDict):
    """What is heard from now on, until the next reload or start."""

    level: str
    module: str | None
