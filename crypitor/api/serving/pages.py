"""Lists in pages: a cursor is taken in the time of the database in which it was given out."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import structlog

from crypitor.api.serving.context import Context
from crypitor.api.serving.paging import Placed
from crypitor.database.engine import Transaction
from crypitor.database.epochs import LOST, Behind, Epoch, current_epoch, renew_epoch
from crypitor.errors import Gone, Invalid, Mistake

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Pages:
    """One page of a list.

    query: its cursor becomes the place that it stands for, in `read`. of: the list, by its path.
    guesses: whether a number is taken, as releases before gave them out; whoever tries some learns
    how much there is. given_as: where the cursor stands in the request.
    """

    def __init__(self, query: Placed, of: str, *, guesses: bool, given_as: str = "?cursor") -> None:
        self._query = query
        self._of = of
        self._given_as = given_as
        self._guesses = guesses
        self._cursor = query.cursor
        self._epoch: Epoch | None = None

    async def read(self, context: Context, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run the unit of work that reads the page. Raises Gone and Invalid for its cursor."""
        known = context.given.height  # read before the unit: without what others give out meanwhile

        async def unit(tx: Transaction) -> T:
            epoch = await current_epoch(tx)
            if known is not None and known[0] == epoch.name and known[1] > epoch.height:
                raise Behind(epoch)
            self._epoch = epoch
            if self._cursor is not None:
                self._query.cursor = self._place(epoch, self._cursor)
            return await work(tx)

        try:
            return await context.database.read(unit, at_once=True)
        except Behind as behind:
            was = behind.epoch
            await context.write(lambda tx: renew_epoch(tx, was, context.random_bytes))
            log.warning("an older copy of the database was put back: what was given out is lost")
        if self._cursor is not None:
            raise Gone(LOST)
        return await context.database.read(unit, at_once=True)

    def _place(self, epoch: Epoch, cursor: str) -> str:
        if cursor.isdecimal() and int(cursor) and not self._guesses:
            raise Gone(LOST)
        try:
            return epoch.place(cursor, self._of)
        except Invalid as error:
            wrong = Mistake(self._given_as, error.detail)
            raise Invalid(f"{wrong.pointer}: {wrong.detail}", [wrong]) from None

    @property
    def epoch(self) -> Epoch:
        """The time of the database, with what was counted by then; once something was read."""
        assert self._epoch is not None
        return self._epoch

    def refuse_ahead(self) -> None:
        """Refuse a cursor that stands behind all that is there; call it within the unit of work."""
        assert self._epoch is not None
        # Of an earlier release it may be any list's, or made up by anybody.
        if self._cursor is None or not self._epoch.gave_out(self._cursor, self._of):
            raise Gone(LOST)
        raise Behind(self._epoch)

    def give_out(self, answer: Any, context: Context) -> None:
        """Put the epoch to the cursor of an answer."""
        if not isinstance(answer, Mapping) or self._epoch is None:
            return
        if answer.get("next_cursor") is not None:
            context.given.note_height(self._epoch)
            marked = self._epoch.mark(answer["next_cursor"], self._of)
            answer["next_cursor"] = marked  # type: ignore[index]
