"""How many addresses monitors watch, counted once for each change: a million take 50 ms."""

from collections.abc import Mapping, Sequence

from crypitor.database.addresses import count_addresses
from crypitor.database.engine import Transaction
from crypitor.database.monitors import newest_revision

MOST_KEPT = 10_000


class Counts:
    """Counts as of the last change of any monitor that was seen."""

    def __init__(self) -> None:
        self._kept: tuple[int, Mapping[str, int]] = (-1, {})

    async def of(self, tx: Transaction, monitor_ids: Sequence[str]) -> dict[str, int]:
        """Return how many addresses each of these monitors watches, in the unit's snapshot.

        A unit that changes addresses itself counts by `count_addresses`.
        """
        revision = await newest_revision(tx)
        kept_revision, kept = self._kept
        known = kept if kept_revision == revision else {}
        missing = [monitor_id for monitor_id in monitor_ids if monitor_id not in known]
        if missing:
            known = {**known, **await count_addresses(tx, missing)}
            # One assignment: units in several threads come here, and each one's result is right.
            self._kept = (revision, known if len(known) <= MOST_KEPT else {})
        return {monitor_id: known[monitor_id] for monitor_id in monitor_ids}
