"""What the API answers of projects."""

from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.answers import Time


class ProjectAnswer(TypedDict):
    """A project."""

    id: str
    name: str
    created_at: Time


class ProjectPage(TypedDict):
    """Projects, newest first."""

    data: list[ProjectAnswer]
    next_cursor: str | None
