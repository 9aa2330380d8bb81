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
    behind: how many blocks the chain went on behind it, when it was published.
    """

    network: str
    chain_id: int
    sequence: int
    block: Block
    safe: int | None
    finalized: int | None
    seen_at: int
    behind: int = 0

    def emptied(self) -> "Message":
        """Return the message with no more of its block than the header."""
        return msgspec.structs.replace(self, block=Block(self.block.header, (), ()))


class Queue(Protocol):
    """At least once, in order per network; nothing more is needed, because blocks are linked.

    read_ahead: how many blocks of a network are worth reading while one is published.
    """

    read_ahead: int

    async def publish(self, message: Message) -> None:
        """Return when the message is safe, and the next one may come. Raises BrokerUnavailable."""

    async def next(self, timeout_seconds: float) -> Message | None:
        """Return the next message, None when there is none within the time.

        What was returned and is not `done` when the process ends comes again.
        Raises BrokerUnavailable.
        """

    async def done(self, *messages: Message) -> None:
        """Note that messages took effect. Raises BrokerUnavailable."""

    async def close(self) -> None:
        """End all connections, within a few seconds."""
