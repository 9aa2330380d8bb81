"""What the client raises."""

from collections.abc import Mapping, Sequence
from typing import Any


class ClientError(Exception):
    """The root of everything that the client raises on purpose."""


class Unreachable(ClientError):
    """The service gave no answer, or none that can be used, in all attempts."""


class NotVerified(ClientError):
    """A request is not a webhook that this secret signed, or it is too old: answer 401."""


class Refused(ClientError):
    """The service says no.

    status: of HTTP. title, detail: sentences. wrong: pointer into the body, or `?name` of a
    parameter, and what is wrong there. request_id: names the request in the service's log.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], request_id: str | None) -> None:
        self.status = status
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail") or self.title or "no reason given")
        self.wrong: Sequence[tuple[str, str]] = tuple(
            (str(one["pointer"]), str(one["detail"])) for one in problem.get("errors") or ()
        )
        self.request_id = request_id
        super().__init__(f"{status}: {self.detail}")
