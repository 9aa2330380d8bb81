"""Failures of several nodes as one. Pure."""

from collections.abc import Sequence

from crypitor.errors import NodeUnavailable, Unproven
from crypitor.worker.state import NoState


def named(name: str, error: NodeUnavailable) -> NodeUnavailable:
    """Return the error with the node's name in it, and itself as its cause."""
    text = f"{name}: {error}"
    found: NodeUnavailable = (
        NoState(text)
        if isinstance(error, NoState)
        else Unproven(error.check, text)
        if isinstance(error, Unproven)
        else NodeUnavailable(text, error.retry_after)
    )
    found.__cause__ = error
    return found


def joined(
    failures: Sequence[NodeUnavailable], retry_after: float | None = None
) -> NodeUnavailable:
    """Return one error for those of all nodes; of the kind that they have, if it is one.

    failures: none where every node asked to be left alone.  retry_after: seconds.
    """
    reasons = [str(failure) for failure in failures] or ["every node asked to be left alone"]
    if failures and all(isinstance(failure, NoState) for failure in failures):
        return NoState("; ".join(reasons))
    unproven = [failure for failure in failures if isinstance(failure, Unproven)]
    if unproven and len(unproven) == len(failures):
        return Unproven(unproven[0].check, "; ".join(reasons))
    return NodeUnavailable("; ".join(reasons), retry_after)
