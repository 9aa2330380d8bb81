"""The queue within one process. It dies with the process: the chain is the durable log."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from crypitor.queue import Message


@dataclass(slots=True, eq=False)
class _Lane:
    """The messages of one network.

    in_hand: how many were returned of which the work may go on.
    """

    waiting: deque[Message] = field(default_factory=deque)
    in_hand: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class MemoryQueue:
    """A queue that serves the networks in turn, for one who takes.

    limit: messages of each network that may be in it when `publish` returns, the one that was
    returned last among them until another is returned or waited for. With none, a block has been
    matched and its memory is free before the worker reads the next one: the processor's caches hold
    all of it.
    """

    read_ahead = 0

    def __init__(self, limit: int = 0) -> None:
        self._limit = limit
        self._lanes: dict[str, _Lane] = {}
        self._turns: deque[_Lane] = deque()
        self._taken_from: _Lane | None = None
        self._filled = asyncio.Event()

    async def publish(self, message: Message) -> None:
        """Put a message in, and wait until there is room for the next one of its network."""
        lane = self._lanes.setdefault(message.network, _Lane())
        if not lane.waiting:
            self._turns.append(lane)
        lane.waiting.append(message)
        self._filled.set()
        while len(lane.waiting) + lane.in_hand > self._limit:
            lane.moved.clear()
            await lane.moved.wait()

    async def next(self, timeout_seconds: float) -> Message | None:
        """Return the oldest message of the network whose turn it is.

        Without time to wait and without a message, the work on the last one goes on: its worker is
        not woken before that block is stored.
        """
        if not (self._turns or timeout_seconds):
            return None
        if self._taken_from is not None:
            self._taken_from.in_hand = 0
            self._taken_from.moved.set()
            self._taken_from = None
        if not self._turns:
            self._filled.clear()
            try:
                async with asyncio.timeout(timeout_seconds):
                    await self._filled.wait()
            except TimeoutError:
                return None
        return self._take() if self._turns else None

    async def done(self, *messages: Message) -> None:
        """Do nothing: what had no effect when the process ends is read from the chain again."""

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def _take(self) -> Message:
        lane = self._turns.popleft()
        message = lane.waiting.popleft()
        if lane.waiting:
            self._turns.append(lane)
        lane.in_hand = 1
        lane.moved.set()
        self._taken_from = lane
        return message
