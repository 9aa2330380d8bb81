"""The role that runs the backfills of one network: all of them in turn, a part at a time."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import structlog

from crypitor.backfill.pace import Pace
from crypitor.backfill.question import MOST_NAMED, Question, log_question
from crypitor.backfill.reading import Reader
from crypitor.backfill.span import Span
from crypitor.backfill.standing import LeftChain, Standing
from crypitor.database.addresses import CHUNK
from crypitor.database.effects import Saved
from crypitor.database.engine import Database
from crypitor.database.job_standings import standings_of
from crypitor.database.jobs import (
    Advance,
    Job,
    cancel_job,
    move_job_back,
    note_trouble,
    open_jobs,
)
from crypitor.database.past import Part, Stand, save_part, stand_of, watched_by
from crypitor.errors import NodeUnavailable
from crypitor.evm.types import Header
from crypitor.gauges.past import PastGauges
from crypitor.monitor.gauges import Standing as GaugeStanding
from crypitor.monitor.models import Confirmations, Match, Monitor
from crypitor.runtime.loop import Health, forever
from crypitor.webhook.message import NetworkTitle
from crypitor.worker.nodes import Nodes

log = structlog.get_logger(__name__)

IDLE_SECONDS = 1.0
LOG_SECONDS = 10.0

MOST_DUE = 500
"""Deliveries before an endpoint at which a backfill waits, so that live ones do not."""

MOST_CACHED_ADDRESSES = 1_000_000
"""Of monitors beside the one at work, whose addresses stay in memory between parts."""

_NEW_SHARE = 0.3


class Observer(Protocol):
    """Hears what was found, for the metrics."""

    def backfilled(self, network: str, matches: Iterable[Match], saved: Saved) -> None:
        """Count the matches of a part that was stored, those of them that are new."""


class Backfill:
    """Runs the jobs of one network while this process leads it.

    nodes: its own, so that the live path's connections and limits stay free.
    term: the process's term as the network's leader, None while it is none.
    confirmations: required where a monitor says nothing else.
    keep: how many matched headers are kept.
    in_flight, requests_per_second: to the nodes, at most.
    wake: told the endpoints that have something new.
    clock: unix milliseconds.
    observer: told of what was stored.
    spare: raises DatabaseUnavailable while there is no room for what can wait.
    """

    def __init__(
        self,
        network: str,
        chain_id: int,
        title: NetworkTitle,
        nodes: Nodes,
        database: Database,
        *,
        term: Callable[[], int | None],
        confirmations: Confirmations,
        keep: int,
        in_flight: int,
        requests_per_second: float,
        wake: Callable[[Iterable[str]], None],
        clock: Callable[[], int],
        observer: Observer,
        spare: Callable[[], None] = lambda: None,
    ) -> None:
        self._spare = spare
        self.role = f"backfill {network}"
        self._network = network
        self._chain_id = chain_id
        self._coin = nodes.coin
        self._told_as = (chain_id, title)
        pace = Pace(requests_per_second)
        self._nodes = nodes
        self._reader = Reader(nodes, pace, Standing(nodes, pace, clock), in_flight)
        self._database = database
        self._term = term
        self._confirmations: Confirmations = confirmations
        self._keep = keep
        self._wake = wake
        self._clock = clock
        self._observer = observer
        self._questions: dict[str, Question] = {}
        self._progress: dict[str, _Progress] = {}
        self._turns = itertools.count(1)

    async def run(self, stop: asyncio.Event) -> None:
        """Run jobs until `stop` is set. The service is ready whatever keeps a job waiting."""
        await forever(self.role, self.step, stop=stop, health=Health(), idle_seconds=IDLE_SECONDS)

    async def step(self) -> bool:
        """Do one part of the job that has waited longest; False when none could go on."""
        term = self._term()
        if term is None:
            return False
        self._spare()
        jobs = await self._database.read(lambda tx: open_jobs(tx, self._network), at_once=True)
        self._forget_all_but(jobs)
        for job in sorted(jobs, key=lambda job: self._progress[job.id].turn):
            self._progress[job.id].turn = next(self._turns)
            try:
                if await self._go_on(job, term):
                    return True
            except NodeUnavailable as trouble:
                await self._wait(job, str(trouble))
        return False

    async def _go_on(self, job: Job, term: int) -> bool:
        """Do the next part of a job; False while it has to wait."""
        now = self._clock()
        stand = await self._database.read(
            lambda tx: stand_of(tx, job, keep=self._keep, most_due=MOST_DUE, now=now)
        )
        if stand.monitor is None or self._network not in stand.monitor.networks:
            await self._cancel(job, stand)
            return True
        if _has_left(job, stand.headers):
            await self._go_back(job, stand.headers[0].number - 1)
            return True
        if waiting := _waiting(job, stand):
            await self._wait(job, waiting)
            return False
        last = min(job.to_block, stand.headers[-1].number)
        started = time.monotonic()
        try:
            part = await self._read(job, stand.monitor, range(job.position + 1, last + 1))
        except LeftChain:
            # A reorg while this job rested for long; where the node is wrong, nothing is gained.
            await self._go_back(job, job.position - self._keep)
            raise
        return part is not None and await self._save(job, term, part, started)

    async def _go_back(self, job: Job, position: int) -> None:
        """Let a job do again what is above a height: what exists is not told again."""
        lowest = max(job.from_block - 1, position)
        await self._database.write(lambda tx: move_job_back(tx, job, lowest))

    async def _read(self, job: Job, monitor: Monitor, blocks: range) -> Part | None:
        """Return the first part of these heights; None if the monitor was deleted meanwhile."""
        question = await self._question(monitor)
        if question is None:
            return None
        if question.logs is None:
            if past := question.past:
                past.go_on(job.id, job.position_hash, partial(self._recall, job))
            part = await self._reader.whole(question, blocks, job.position_hash)
            if past:
                part = replace(part, ended=past.take_ended(), stood=past.take_stood())
        else:
            span = self._progress[job.id].span
            part = await self._reader.by_logs(
                question, question.logs, span, blocks, job.position_hash
            )
        if not part.matches or isinstance(question.required, int):
            return part
        height = await self._reader.tag(question.required)
        if question.required == "safe":
            return replace(part, safe=height)
        return replace(part, finalized=height)

    async def _recall(self, job: Job, gauges: Sequence[str]) -> dict[str, GaugeStanding]:
        """Return where gauges stood at a job's position."""
        return await self._database.read(
            lambda tx: standings_of(tx, job.id, job.position, gauges), at_once=True
        )

    async def _question(self, monitor: Monitor) -> Question | None:
        """Return what a monitor asks now; None if it was deleted."""
        known = self._questions.get(monitor.id)
        if known is not None and known.monitor == monitor:
            return known
        now, pairs = await self._database.read(lambda tx: watched_by(tx, monitor.id))
        if now is None:
            return None
        named = [address for address, _ in pairs[: MOST_NAMED + 1]]
        past = PastGauges(self._nodes, now, self._network, self._chain_id)
        question = Question(
            now,
            self._network,
            self._chain_id,
            self._confirmations,
            log_question(now, named),
            self._coin,
            past or None,
        )
        for start in range(0, len(pairs), CHUNK):
            question.watch(pairs[start : start + CHUNK])
            await asyncio.sleep(0)
        self._questions.pop(monitor.id, None)
        while sum(kept.addresses for kept in self._questions.values()) > MOST_CACHED_ADDRESSES:
            del self._questions[next(iter(self._questions))]
        self._questions[monitor.id] = question
        return question

    async def _save(self, job: Job, term: int, part: Part, started: float) -> bool:
        """Store a part; False if the chain or the job has changed meanwhile."""
        progress = self._progress[job.id]
        advance = Advance(
            expected=job.position,
            position=part.last,
            position_hash=part.headers[-1].hash if part.headers else job.position_hash,
            found=sum(map(len, part.matches.values())),
            rate=progress.rate(part.last - job.position, started, time.monotonic()),
            now=self._clock(),
        )
        saved = await self._database.write(
            lambda tx: save_part(tx, job, self._told_as, term, part, advance, keep=self._keep)
        )
        if saved is None:
            trouble = "the nodes show other blocks here than were matched"
            await self._wait(job, trouble)
            return False
        self._wake(saved.endpoints)
        found = [match for several in part.matches.values() for match, _ in several]
        self._observer.backfilled(self._network, found, saved)
        self._tell(job, advance, progress)
        return True

    def _tell(self, job: Job, advance: Advance, progress: "_Progress") -> None:
        """Log how far a job has come, now and then and at its end."""
        now, done = time.monotonic(), advance.position == job.to_block
        if done or now - progress.told_at >= LOG_SECONDS:
            progress.told_at = now
            log.info(
                "backfill done" if done else "backfill",
                network=self._network,
                job=job.id,
                blocks_done=advance.position - job.from_block + 1,
                blocks_total=job.to_block - job.from_block + 1,
                matches=job.matches_found + advance.found,
                blocks_per_second=round(advance.rate, 1),
                seconds_left=round((job.to_block - advance.position) / advance.rate),
            )

    async def _wait(self, job: Job, trouble: str) -> None:
        """Note, once, why a job has to wait."""
        if trouble != job.trouble:
            log.warning("backfill waits", network=self._network, job=job.id, trouble=trouble)
            await self._database.write(lambda tx: note_trouble(tx, job.id, trouble))

    async def _cancel(self, job: Job, stand: Stand) -> None:
        """End a job that has nothing to do any more."""
        reason = (
            "the monitor was deleted"
            if stand.monitor is None
            else "the monitor does not watch this network any more"
        )
        log.info("backfill cancelled", network=self._network, job=job.id, reason=reason)
        await self._database.write(lambda tx: cancel_job(tx, job.id, reason, self._clock()))

    def _forget_all_but(self, jobs: Sequence[Job]) -> None:
        self._progress = {job.id: self._progress.get(job.id) or _Progress() for job in jobs}
        monitors = {job.monitor_id for job in jobs}
        self._questions = {
            monitor: question
            for monitor, question in self._questions.items()
            if monitor in monitors
        }


@dataclass(slots=True)
class _Progress:
    """What is remembered of a job between its parts. told_at, saved_at: monotonic seconds."""

    span: Span = field(default_factory=Span)
    turn: int = 0
    told_at: float = field(default_factory=time.monotonic)
    saved_at: float | None = None
    per_second: float | None = None

    def rate(self, blocks: int, started: float, now: float) -> float:
        """Return how many blocks are done in a second, of late ones and these.

        The time since the part before counts, in which other jobs had their turn.
        """
        latest = blocks / max(now - (self.saved_at or started), 0.001)
        self.saved_at = now
        if self.per_second is None:
            self.per_second = latest
        self.per_second += _NEW_SHARE * (latest - self.per_second)
        return self.per_second


def _waiting(job: Job, stand: Stand) -> str | None:
    """Return why a job cannot go on at the moment; None if it can."""
    if not stand.headers:
        return "no block of this network has been matched"
    if stand.headers[-1].number <= job.position:
        return "a reorg took the blocks away: waiting for those in their place"
    if stand.due >= MOST_DUE:
        return "waiting for an endpoint with many deliveries before it"
    return None


def _has_left(job: Job, headers: Sequence[Header]) -> bool:
    """Whether a reorg orphaned the last block that a job has done."""
    if job.position_hash is None or not headers:
        return False
    if job.position > headers[-1].number:
        return True
    newest = next((one for one in reversed(headers) if one.number <= job.position), None)
    return newest is not None and newest.hash != job.position_hash
