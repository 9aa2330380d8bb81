"""The queue within one process. It dies with the process: the chain is the durable log."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from crypitor.queue import Message


@dataclass(slots=True)
class _Lane:
    """The messages of one network: those that wait, and those that were returned."""

    waiting: deque[Message] = field(default_factory=deque)
    taken: list[Message] = field(default_factory=list)


class MemoryQueue:
    """A bounded queue that serves the networks in turn.

    limit: messages of each network that may be in it, the ones that are not `done` among them;
    `publish` waits for room.
    """

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._lanes: dict[str, _Lane] = {}
        self._turns: deque[str] = deque()
        self._changed = asyncio.Condition()

    async def publish(self, message: Message) -> None:
        """Put a message in, as soon as there is room for its network."""
        lane = self._lanes.get(message.network)
        if lane is None:
            lane = self._lanes[message.network] = _Lane()
            self._turns.append(message.network)
        async with self._changed:
            await self._changed.wait_for(lambda: len(lane.waiting) + len(lane.taken) < self._limit)
            lane.waiting.append(message)
            self._changed.notify_all()

    async def next(self, timeout_seconds: float) -> Message | None:
        """Return the oldest message of the network whose turn it is."""
        async with self._changed:
            if not self._has_waiting():
                if not timeout_seconds:
                    return None
                try:
                    async with asyncio.timeout(timeout_seconds):
                        await self._changed.wait_for(self._has_waiting)
                except TimeoutError:
                    return None
            return self._take()

    async def done(self, *messages: Message) -> None:
        """Forget messages that were returned and took effect."""
        async with self._changed:
            for network in {message.network for message in messages}:
                gone = {one.sequence for one in messages if one.network == network}
                lane = self._lanes[network]
                lane.taken = [one for one in lane.taken if one.sequence not in gone]
            self._changed.notify_all()

    async def again(self) -> None:
        """Put back what was returned and is not done, in its order."""
        async with self._changed:
            for lane in self._lanes.values():
                lane.waiting.extendleft(reversed(lane.taken))
                lane.taken.clear()
            self._changed.notify_all()

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def _has_waiting(self) -> bool:
        return any(lane.waiting for lane in self._lanes.values())

    def _take(self) -> Message:
        while not self._lanes[self._turns[0]].waiting:
            self._turns.rotate(-1)
        lane = self._lanes[self._turns[0]]
        self._turns.rotate(-1)
        message = lane.waiting.popleft()
        lane.taken.append(message)
        return message
