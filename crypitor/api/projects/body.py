"""What a new project may be."""

from pydantic import Field

from crypitor.api.serving.bodies import Body, Line


class ProjectBody(Body):
    """What owns monitors, endpoints, matches and keys."""

    name: Line = Field(min_length=1, max_length=200)
