"""Carries proven blocks from the workers to the monitor: in the process, or through Kafka."""

from typing import Protocol

import msgspec

from crypitor.evm.types import Block


class Message(msgspec.Struct, frozen=True, gc=False):
    """One block on its way.

    sequence: grows with everything that is published for a network, over restarts and changes of
    the worker; what is not above the last one that was matched is a repetition or comes from a
    worker that was replaced.
    safe, finalized: heights of the node's tags when it served the block, None where it has none.
    seen_at: unix milliseconds at which the block was received whole.
    """

    network: str
    chain_id: int
    sequence: int
    block: Block
    safe: int | None
    finalized: int | None
    seen_at: int


class Queue(Protocol):
    """At least once, in order per network; nothing more is needed, because blocks are linked."""

    async def publish(self, message: Message) -> None:
        """Return when the message is safe. Raises BrokerUnavailable."""

    async def next(self, timeout_seconds: float) -> Message | None:
        """Return the next message, None when there is none within the time.

        What was returned and is not `done` comes again: after a restart, or after `again`.
        Raises BrokerUnavailable.
        """

    async def done(self, *messages: Message) -> None:
        """Note that messages took effect. Raises BrokerUnavailable."""

    async def again(self) -> None:
        """Give back what was returned and is not done, so that `next` returns it again."""

    async def close(self) -> None:
        """End all connections, within a few seconds."""
