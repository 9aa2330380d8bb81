"""Which monitors watch state on one network, kept in step with the database by their changes."""

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from crypitor.database.addresses import list_addresses
from crypitor.database.engine import Database, Transaction
from crypitor.database.gauges import Stored, enrol, forget_other_rules
from crypitor.database.monitors import (
    changes_after,
    load_gauged_monitors,
    load_some_monitors,
    newest_revision,
)
from crypitor.evm.types import Address
from crypitor.monitor.gauges import Gauge, gauges_of, rule_key, state_rules
from crypitor.monitor.models import Kind, Monitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crypitor.monitor.prepared import PreparedRule

AT_ONCE = 500
"""Accounts of one monitor that are taken in by one unit of work."""

CHANGES_AT_ONCE = 1000


class Followed:
    """The monitors of one network that watch state, and which of their gauges are not made yet."""

    def __init__(self, network: str, database: Database) -> None:
        self._network = network
        self._database = database
        self._revision: int | None = None
        self._monitors: dict[str, tuple[Monitor, Mapping[str, PreparedRule]]] = {}
        self._coming: deque[tuple[str, Address | None]] = deque()

    def __bool__(self) -> bool:
        """Whether anything is watched, or was and has to be forgotten."""
        return bool(self._monitors or self._coming)

    @property
    def asks_changes(self) -> bool:
        """Whether anything is watched of which an access list shows changes that no log shows.

        Not a token's balances: what the list has of the token does not say whose they are.
        """
        return any(
            prepared.rule.kind is Kind.VIEW or prepared.rule.contracts is None
            for _, rules in self._monitors.values()
            for prepared in rules.values()
        )

    def knows(self, revision: int) -> bool:
        """Tell whether everything up to a revision is taken over."""
        return self._revision is not None and revision <= self._revision

    def forget(self) -> None:
        """Begin anew: another process may have made changes of its own meanwhile."""
        self._revision = None
        self._monitors.clear()
        self._coming.clear()

    def gauge(self, stored: Stored) -> Gauge | None:
        """Return what is stored as it is asked now; None where nobody asks it any more."""
        monitor, rules = self._monitors.get(stored.monitor_id, (None, {}))
        prepared = rules.get(stored.rule)
        if monitor is None or prepared is None:
            return None
        rule = prepared.rule
        if rule.kind is Kind.BALANCE and not stored.watched:
            return None
        contracts = rule.contracts or (None,)
        if stored.contract not in contracts:
            return None
        return Gauge(
            stored.id, monitor, prepared, self._network, stored.subject, stored.contract,
            stored.label, stored.place,
        )  # fmt: skip

    async def refresh(self) -> None:
        """Take over what changed. Raises DatabaseUnavailable."""
        if self._revision is None:
            revision = await self._database.read(newest_revision)
            for monitor in await self._database.read(load_gauged_monitors):
                self._put(monitor)
            self._revision = revision
            return
        while changes := await self._database.read(
            partial(changes_after, revision=self._revision, limit=CHANGES_AT_ONCE), at_once=True
        ):
            await self._take_over({change.monitor_id for change in changes})
            self._revision = changes[-1].revision

    async def _take_over(self, ids: set[str]) -> None:
        monitors = await self._database.read(partial(load_some_monitors, monitor_ids=sorted(ids)))
        for monitor in monitors:
            if monitor.enabled:
                self._put(monitor)
        for gone in ids - {monitor.id for monitor in monitors if monitor.enabled}:
            if self._monitors.pop(gone, None):
                self._coming.append((gone, None))

    def _put(self, monitor: Monitor) -> None:
        rules = {rule_key(each.rule): each for each in state_rules(monitor)}
        if self._network not in monitor.networks:
            rules = {}
        if rules:
            self._monitors[monitor.id] = (monitor, rules)
        elif not self._monitors.pop(monitor.id, None):
            return
        self._coming.append((monitor.id, None))

    async def enrol_some(self) -> bool:
        """Make some gauges that are missing, and forget some that nobody asks; False when done."""
        if not self._coming:
            return False
        monitor_id, cursor = self._coming[0]
        monitor, rules = self._monitors.get(monitor_id, (None, {}))

        async def unit(tx: Transaction) -> Address | None:
            if cursor is None:
                gone = await forget_other_rules(
                    tx, monitor_id, self._network, rules.keys(), AT_ONCE
                )
                if gone == AT_ONCE:
                    return ""
            if monitor is None:
                return None
            accounts = await list_addresses(tx, monitor_id, AT_ONCE, cursor=cursor or None)
            for prepared in rules.values():
                if prepared.rule.kind is Kind.BALANCE or not cursor:
                    found = gauges_of(monitor, prepared, self._network, accounts)
                    await enrol(tx, list(found))
            return accounts[-1][0] if len(accounts) == AT_ONCE else None

        reached = await self._database.write(unit)
        if reached is None:
            self._coming.popleft()
        elif reached:
            self._coming[0] = (monitor_id, reached)
        return True
