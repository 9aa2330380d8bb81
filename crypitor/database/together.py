"""Brief reads that come while one is under way go together: one trip, one transaction for all.

A trip to a connection's thread costs more than what is read by an id. Alone nobody waits for
anybody; the more come, the less each costs.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from crypitor.errors import DatabaseUnavailable
from crypitor.runtime.thrown import Thrown

if TYPE_CHECKING:
    from crypitor.database.engine import Transaction

T = TypeVar("T")
Work: TypeAlias = "Callable[[Transaction], Awaitable[T]]"

MOST_AT_ONCE = 32
LONGEST_SECONDS = 0.002
"""In one transaction: who comes next waits for so many at most, and for one beyond that time."""

TURNS_BETWEEN = 3
"""Of the loop, between two trips."""


class Together:
    """Reads in one snapshot those that waited for it: each sees what was committed before it came.

    run: runs one unit of work that reads. clock: seconds that only grow.
    """

    def __init__(
        self,
        run: "Callable[[Work[list[object]]], Awaitable[list[object]]]",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._run = run
        self._clock = clock
        self._waiting: deque[tuple[Work[Any], asyncio.Future[Any]]] = deque()
        self._going: asyncio.Task[None] | None = None

    async def read(self, work: "Work[T]") -> T:
        """Run a unit of work beside others. What it raises is its own, but for an outage."""
        place = asyncio.get_running_loop().create_future()
        self._waiting.append((work, place))
        if self._going is None:
            # Of nobody's context: what is logged on the way belongs to all of them.
            self._going = asyncio.create_task(self._go(), context=Context())
        result = await place
        if isinstance(result, Thrown):
            result.again()
        return cast("T", result)

    async def _go(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), MOST_AT_ONCE)
                await self._go_with([self._waiting.popleft() for _ in range(count)])
                # While these are answered others come; beside the answers a trip would only take
                # the interpreter's lock from them.
                for _ in range(TURNS_BETWEEN):
                    await asyncio.sleep(0)
        finally:
            self._going = None
            while self._waiting:  # it was cancelled, as at the end of the loop
                self._waiting.popleft()[1].cancel()

    async def _go_with(self, some: "list[tuple[Work[Any], asyncio.Future[Any]]]") -> None:
        wanted = [(work, place) for work, place in some if not place.done()]
        if not wanted:  # all have gone away
            return

        async def unit(tx: "Transaction") -> list[object]:
            results: list[object] = []
            until = self._clock() + LONGEST_SECONDS
            for work, _ in wanted:
                results.append(await _one(work, tx))
                if self._clock() > until:
                    break
            return results

        try:
            results = await self._run(unit)
        except Exception as error:  # noqa: BLE001 - it is raised where it was waited for
            results = [Thrown(error) for _ in wanted]
        self._waiting.extendleft(reversed(wanted[len(results) :]))
        for (_, place), result in zip(wanted, results, strict=False):
            if not place.done():
                place.set_result(result)


async def _one(work: "Work[Any]", tx: "Transaction") -> object:
    try:
        return await work(tx)
    except DatabaseUnavailable:
        raise  # for all: whoever comes after would only wait for it again
    except Exception as error:  # noqa: BLE001 - it is raised where it was waited for
        return Thrown(error)
