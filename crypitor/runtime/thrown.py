"""An error on its way out of a task, a thread or a loop, that nobody keeps once it is raised again.

A task and a future keep the error they end with. The error keeps its traceback, that the frames it
went through, and these the task or future that they waited for. Such a circle, with the request and
the documents that its frames hold, stays until garbage is searched for. So what is raised in there
comes out as a value, which forgets the error as it is raised.
"""

from typing import NoReturn


class Thrown:
    """Holds an error until it is raised, once."""

    __slots__ = ("_error",)

    def __init__(self, error: BaseException) -> None:
        self._error: BaseException | None = error

    def again(self) -> NoReturn:
        """Raise it, and forget it."""
        error, self._error = self._error, None
        assert error is not None
        try:
            raise error
        finally:
            del error

    def forgotten(self) -> str:
        """Return what it says, and forget it, where nobody is there for whom to raise it."""
        told, self._error = str(self._error), None
        return told


def let_go(error: BaseException) -> None:
    """Cut the traces of an error that was dealt with, and of those that it came of.

    For what libraries raise and keep: their circles go by way of the trace.
    """
    found: BaseException | None = error
    while found is not None and found.__traceback__ is not None:
        found.__traceback__ = None
        found = found.__cause__ or found.__context__
