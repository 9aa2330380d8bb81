"""How much may be held for streams and large answers: so many for each project, and in all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from crypitor.errors import TooMany

SMALL_BYTES = 64 * 1024
"""A body that says it is no larger is no stream: many who add an address each come at once."""


class Streams:
    """Counts what is under way. most_of_a_project leaves room for others."""

    def __init__(self, what: str, most: int, most_of_a_project: int) -> None:
        self._what = what
        self._most = most
        self._most_of_a_project = most_of_a_project
        self._of: Counter[str] = Counter()

    def check(self, project: str) -> None:
        """Raise TooMany where a project has as many under way as it may."""
        if self._of[project] >= self._most_of_a_project:
            raise TooMany(f"{self._most_of_a_project} {self._what} of this project are under way")

    @contextmanager
    def one_more(self, project: str) -> Iterator[None]:
        """Count one while the context is open. Raises TooMany."""
        self.check(project)
        if self._of.total() >= self._most:
            raise TooMany(f"{self._most} {self._what} are under way")
        self._of[project] += 1
        try:
            yield
        finally:
            self._of[project] -= 1
            if not self._of[project]:
                del self._of[project]


def uploads() -> Streams:
    """Return what counts bodies that are read as they come: each may hold some MB."""
    return Streams("uploads", most=8, most_of_a_project=2)


def large_answers() -> Streams:
    """Return what counts answers that are written as they are read, each of some MB."""
    return Streams("large answers", most=32, most_of_a_project=8)


def readers(connections: int = 1_000) -> Streams:
    """Return what counts those who follow the log: each has a connection for as long as it likes.

    connections: to the API. Half of them are left to whoever asks for something else.
    """
    return Streams(
        "streams of events",
        most=max(connections // 2, 2),
        most_of_a_project=max(connections // 4, 1),
    )


UPLOADS = web.AppKey("UPLOADS", Streams)
READERS = web.AppKey("READERS", Streams)
LARGE_ANSWERS = web.AppKey("LARGE_ANSWERS", Streams)
