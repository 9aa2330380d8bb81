"""Loads blocks: follows one chain for each network and puts what is proven on the queue."""

from typing import Protocol


class Observer(Protocol):
    """Hears what a network's worker does, for the metrics."""

    def requested(self, network: str, node: str, method: str, outcome: str, seconds: float) -> None:
        """Count one JSON-RPC call.

        outcome: `ok`; `error`, the node answered with one; `timeout`; `failed`, there was no
        answer, or one that cannot be used.
        """

    def incomplete(self, network: str, node: str, check: str) -> None:
        """Count a block that did not prove itself; `check` as in `Unproven`."""

    def published(self, network: str) -> None:
        """Count a block that was put on the queue."""

    def reorganised(self, network: str, depth: int) -> None:
        """Count a reorg that orphaned `depth` published blocks."""


class Unobserved:
    """An observer that keeps nothing."""

    def requested(self, network: str, node: str, method: str, outcome: str, seconds: float) -> None:
        """Keep nothing."""

    def incomplete(self, network: str, node: str, check: str) -> None:
        """Keep nothing."""

    def published(self, network: str) -> None:
        """Keep nothing."""

    def reorganised(self, network: str, depth: int) -> None:
        """Keep nothing."""
