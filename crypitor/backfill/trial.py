"""Tries a monitor on the past: what it would match, and why not. Nothing is stored or sent.

Requests go over connections of their own, and are kept apart: the live path does not wait for them.
"""

import asyncio
import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal, TypeVar

from crypitor.backfill.pace import Pace
from crypitor.backfill.question import MOST_NAMED, log_question
from crypitor.backfill.reading import Reader
from crypitor.backfill.span import Span
from crypitor.backfill.standing import Standing
from crypitor.database.addresses import labels_of, list_addresses
from crypitor.database.engine import Database
from crypitor.database.past import Part
from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Address, Block, Hash, Header
from crypitor.gauges.past import PastGauges
from crypitor.monitor.alone import Alone
from crypitor.monitor.explanation import Finding, Scene, findings
from crypitor.monitor.gauged import state_findings, without_state
from crypitor.monitor.match import Tally, find_matches
from crypitor.monitor.models import STATE_KINDS, Confirmations, Match, Monitor, Rule
from crypitor.monitor.prepared import prepare
from crypitor.monitor.touched import touched
from crypitor.runtime.loop import clock
from crypitor.worker.nodes import Nodes
from crypitor.worker.state import NoState

T = TypeVar("T")

AT_ONCE = 2
"""Trials of one network; the others wait."""

BLOCKS_AT_ONCE = 16
"""Whole blocks in one part, of which nothing is told when the time is over."""

IN_FLIGHT = 4

MOST_MATCHES = 100
"""That are told one by one; all are counted."""

MOST_FINDINGS = 100
"""Of one rule in one transaction; those that come nearest to a match."""

_SLICE = 200
_DAY_SECONDS = 86_400


@dataclass(slots=True)
class TriedRule:
    """What a rule finds in a transaction.

    findings: the nearest to a match, in the chain's order.  looked_at, matched: of all.
    """

    rule: Rule
    findings: list[Finding]
    looked_at: int
    matched: int


@dataclass(slots=True)
class TriedTransaction:
    """What a monitor finds in a transaction. rules: in the monitor's order."""

    scene: Scene
    matches: list[Match]
    rules: list[TriedRule]


@dataclass(slots=True)
class TriedBlocks:
    """What a monitor matches in blocks, from the first of them on.

    network: its name.  asked: the heights that were asked for.
    headers: of the first and the last block looked at, None before there was one.
    heights: how many were looked at.  blocks, count: so many there were, and their matches.
    matches: the first of them.
    days: date in UTC → blocks, matches.
    """

    network: str
    asked: range
    headers: tuple[Header, Header] | None = None
    heights: int = 0
    blocks: int = 0
    count: int = 0
    matches: list[Match] = field(default_factory=list)
    days: dict[str, tuple[int, int]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    @property
    def complete(self) -> bool:
        """Whether there was time for all that was asked for."""
        return self.heights == len(self.asked)

    @property
    def looked_at(self) -> tuple[int, int]:
        """The first and the last height of those that there was time for; at least one."""
        return self.asked[0], self.asked[self.heights - 1]

    @property
    def seconds(self) -> float | None:
        """How long the chain took for these blocks; None if that cannot be told."""
        if self.headers is None or self.blocks < 2:
            return None
        first, last = self.headers
        return (last.timestamp - first.timestamp) * self.blocks / (self.blocks - 1) or None

    @property
    def per_day(self) -> float | None:
        """How many matches a day that would be; None if that cannot be told."""
        return None if self.seconds is None else self.count / self.seconds * _DAY_SECONDS

    def take(self, part: Part) -> None:
        """Count the next blocks."""
        self.heights = part.last - self.asked[0] + 1
        if part.headers:
            first = self.headers[0] if self.headers else part.headers[0]
            self.headers = (first, part.headers[-1])
        self.blocks += len(part.headers)
        for header in part.headers:
            found = part.matches.get(header.number, ())
            day = datetime.fromtimestamp(header.timestamp, UTC).date().isoformat()
            blocks, matches = self.days.get(day, (0, 0))
            self.days[day] = (blocks + 1, matches + len(found))
            self.count += len(found)
            self.matches += [match for match, _ in found[: MOST_MATCHES - len(self.matches)]]


class Trial:
    """Tries monitors on one network.

    nodes: its own.  traced: whether internal transfers are read.
    seconds: that a trial takes at most, waiting included; of a range it then tells what it has
    looked at.
    Every method raises NodeUnavailable, and DatabaseUnavailable.
    """

    def __init__(
        self,
        network: str,
        chain_id: int,
        nodes: Nodes,
        database: Database,
        *,
        traced: bool,
        requests_per_second: float = 20.0,
        seconds: float = 20.0,
    ) -> None:
        self._network = network
        self._chain_id = chain_id
        self._nodes = nodes
        self._database = database
        self._traced = traced
        self._seconds = seconds
        pace = Pace(requests_per_second)
        standing = Standing(nodes, pace, clock, patience_ms=0)  # nothing is kept of what it finds
        self._reader = Reader(nodes, pace, standing, IN_FLIGHT)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def transaction(
        self, monitor: Monitor, transaction: Hash
    ) -> TriedTransaction | Literal["pending"] | None:
        """Hold every rule against every part of a transaction; None if no node knows it."""
        try:
            async with asyncio.timeout(self._seconds), self._turns:
                height = await self._nodes.height_of(transaction)
                if not isinstance(height, int):
                    return height
                block = await self._nodes.block(height)
                places = [] if block is None else [one.hash for one in block.transactions]
                if block is None or transaction not in places:
                    raise NodeUnavailable(f"{transaction} is not in block {height} any more")
                place = places.index(transaction)
                scene = Scene(
                    self._network, self._chain_id, block, place, self._traced, self._nodes.coin
                )
                return await self._tried(monitor, scene)
        except TimeoutError as late:
            raise NodeUnavailable(f"this took longer than {self._seconds:g} s") from late

    async def head(self) -> int:
        """Return the height of the newest block."""
        header = await self._nodes.header_at("latest")
        if header is None:
            raise NodeUnavailable("no node has a latest block")
        return header.number

    async def blocks(self, monitor: Monitor, asked: range) -> TriedBlocks:
        """Match blocks that are there; as many of them as there is time for, but one at least."""
        tried = TriedBlocks(self._network, asked)
        try:
            async with asyncio.timeout(self._seconds), self._turns:
                await self._go_through(monitor, tried)
        except TimeoutError as late:
            if not tried.heights:
                raise NodeUnavailable(f"not one block within {self._seconds:g} s") from late
        return tried

    async def _go_through(self, monitor: Monitor, tried: TriedBlocks) -> None:
        named = await self._database.read(lambda tx: list_addresses(tx, monitor.id, MOST_NAMED + 1))
        logs = log_question(monitor, [address for address, _ in named])
        question = self._question(monitor)
        parent, span = None, Span()
        while not tried.complete:
            left = tried.asked[tried.heights :]
            if logs is None:
                part = await self._reader.whole(question, left[:BLOCKS_AT_ONCE], parent)
            else:
                part = await self._reader.by_logs(question, logs, span, left, parent)
            tried.take(part)
            tried.tally = replace(question.tally)
            parent = tried.headers[1].hash if tried.headers else None

    def _question(self, monitor: Monitor) -> "_Question":
        coin = self._nodes.coin
        past = PastGauges(self._nodes, monitor, self._network, self._chain_id)
        return _Question(self._network, self._chain_id, coin, monitor, self._database, past)

    async def _tried(self, monitor: Monitor, scene: Scene) -> TriedTransaction:
        question = self._question(monitor)
        found, _ = await question.found(scene.block)
        matches = [match for match in found if match.transaction is scene.transaction]
        try:
            matches += await question.became(scene.alone)
            has_state = True
        except NoState:
            has_state = False
        while True:
            rules = [
                await _tried_rule(rule, _findings(scene, rule, question, has_state=has_state))
                for rule in monitor.rules
            ]
            if not await question.learnt():
                break
        return TriedTransaction(scene, matches, rules)


class _Question:
    """One monitor, whose addresses are looked up in the database as they are needed."""

    def __init__(
        self,
        network: str,
        chain_id: int,
        coin: Address | None,
        monitor: Monitor,
        database: Database,
        past: PastGauges,
    ) -> None:
        self.alone = Alone(monitor)
        self.past = past
        self._network = network
        self.tally = Tally()
        self._find = partial(
            find_matches, network=network, chain_id=chain_id, index=self.alone, coin=coin
        )
        self._database = database
        self._required: Confirmations = monitor.confirmations or 1

    async def matches(self, block: Block) -> Sequence[tuple[Match, Confirmations]]:
        """Return the matches of a block."""
        found, tally = await self.found(block)
        no_answer = self.past.no_answer
        found += await self.became(block)
        self.tally.undecoded += tally.undecoded
        self.tally.condition_errors += tally.condition_errors + self.past.no_answer - no_answer
        return [(match, self._required) for match in found]

    async def found(self, block: Block) -> tuple[list[Match], Tally]:
        """Return what stands in a block."""
        while True:
            tally = Tally()
            found = self._find(block, tally=tally)
            touched(block, self.alone, self._network)  # makes known whom it touched
            if not await self.learnt():
                return found, tally

    async def became(self, block: Block) -> list[Match]:
        """Return what became true of balances and views, in a block that `found` has seen."""
        if not self.past:
            return []
        labels = self.alone.one.labels
        changed = touched(block, self.alone, self._network)
        return await self.past.matches(block, [(one, labels.get(one)) for one in changed])

    async def learnt(self) -> bool:
        """Find out which of the wanted addresses are watched; False if none was wanted."""
        wanted = tuple(self.alone.wanted)
        if wanted:
            monitor_id = self.alone.monitor.id
            self.alone.learn(
                await self._database.read(lambda tx: labels_of(tx, monitor_id, wanted))
            )
        return bool(wanted)


def _findings(
    scene: Scene, rule: Rule, question: _Question, *, has_state: bool
) -> Iterable[Finding]:
    """Return what a rule finds. has_state: whether a node knows balances and views of the block."""
    header = scene.block.header
    if rule.kind not in STATE_KINDS:
        return findings(scene, prepare(rule), question.alone.one)
    if not has_state:
        return [without_state(header)]
    return state_findings(rule, question.past.glances, header, scene.chain_id)


async def _tried_rule(rule: Rule, found: Iterable[Finding]) -> TriedRule:
    """Return what a rule finds, in slices: a transaction may have thousands of logs."""
    nearest: list[tuple[tuple[int, int], int, Finding]] = []
    looked_at = matched = 0
    for finding in found:
        looked_at += 1
        matched += finding.matches
        entry = (finding.closeness, -looked_at, finding)
        if len(nearest) < MOST_FINDINGS:
            heapq.heappush(nearest, entry)
        else:
            heapq.heappushpop(nearest, entry)
        if looked_at % _SLICE == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    in_order = sorted(nearest, key=lambda entry: -entry[1])
    return TriedRule(rule, [finding for _, _, finding in in_order], looked_at, matched)
