"""The process: opens what it needs, runs its roles side by side, and closes in reverse."""

import asyncio
import os
import random
import secrets
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial

import structlog
from yarl import URL

from crypitor.api import build
from crypitor.api.build import build_health
from crypitor.api.serving.context import Context
from crypitor.api.serving.tail import Tail
from crypitor.backfill.runner import Backfill
from crypitor.backfill.trial import Trial
from crypitor.config import ROLES, Config
from crypitor.config.places import own_places, own_ports
from crypitor.database.engine import Database
from crypitor.database.given import Given
from crypitor.errors import ConfigError, first_of
from crypitor.monitor.index import Index
from crypitor.monitor.matcher import Chain, Matcher
from crypitor.monitor.models import Confirmations
from crypitor.monitor.position import kept_headers
from crypitor.monitor.watchlist import Watchlist
from crypitor.process.lost_time import given_of
from crypitor.process.observer import Observer
from crypitor.process.opening import (
    allow_many_connections,
    announce,
    keep_freed_memory,
    opened_in_time,
    site_of,
)
from crypitor.process.peers import TELL_SECONDS, Processes
from crypitor.process.queues import queue_of, topics_of
from crypitor.process.status import Standing, facts_of, title_of
from crypitor.process.upkeep import upkeep
from crypitor.process.watch import watch_of
from crypitor.queue import Queue
from crypitor.runtime.loop import Health, clock, forever, spare_collections
from crypitor.runtime.metrics import Metrics
from crypitor.runtime.precedence import Precedence
from crypitor.runtime.signals import run_until_signalled
from crypitor.webhook.closed import Closed
from crypitor.webhook.egress import networks as cidrs
from crypitor.webhook.post import Poster
from crypitor.webhook.sender import Sender
from crypitor.worker.follower import Follower
from crypitor.worker.lead import LEASE_SECONDS, Lead
from crypitor.worker.limit import Limits, Rank
from crypitor.worker.nodes import Nodes
from crypitor.worker.tokens import TokenReader

log = structlog.get_logger(__name__)
GAUGE_SECONDS = 10.0

Started = Callable[[str, str | None], None]
"""Told the API's URL (empty without that role) and the admin key, if one was made just now."""


def run(config: Config, roles: Sequence[str] = ROLES) -> int:
    """Run the service until a signal ends it; return the exit status."""
    allow_many_connections()
    keep_freed_memory()
    run_until_signalled(lambda stop: serve(config, roles, stop, announce))
    return 0


async def serve(
    config: Config, roles: Sequence[str], stop: asyncio.Event, started: Started
) -> None:
    """Run the roles until `stop` is set or one of them fails.

    A database that is down is waited for. Raises ConfigError where it, or a node, does not fit.
    """
    health = Health()
    try:
        async with AsyncExitStack() as stack:
            opened = await opened_in_time(config, roles, stop, health)
            if opened is None:
                return
            resources, database, admin_key = opened
            stack.push_async_exit(resources)
            await _Service(config, roles, stack, database, health).run(
                stop, lambda url: started(url, admin_key)
            )
    except* ConfigError as mistakes:
        raise first_of(mistakes) from None


class _Service:
    """The roles of one process and what they share, once the database is open."""

    def __init__(
        self,
        config: Config,
        roles: Sequence[str],
        stack: AsyncExitStack,
        database: Database,
        health: Health,
    ) -> None:
        self._config = config
        self._roles = roles
        self._stack = stack
        self._database = database
        self._health = health
        self._shared = config.queue.kind != "memory"
        # With API and monitor in one process the index is changed before the API answers.
        self._follows = self._shared or not {"api", "monitor"} <= set(roles)
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._metrics = Metrics()
        self._observer = Observer(self._metrics)
        self._index = Index()
        self._limits = Limits()
        self._precedence = Precedence(given="monitor" in roles)
        self._aside = database.aside(self._precedence)  # for what nobody waits for
        self._queue: Queue | None = None
        self._watchlist: Watchlist | None = None
        self._matcher: Matcher | None = None
        self._poster: Poster | None = None
        self._closed = Closed(own_places(config), own_ports(config))
        self._sender: Sender | None = None
        self._followers: list[Follower] = []
        self._token_readers: list[TokenReader] = []
        self._backfills: list[Backfill] = []
        self._trials: dict[str, Trial] = {}
        self._tail = Tail(self._aside)

    async def run(self, stop: asyncio.Event, started: Callable[[str], None]) -> None:
        """Build the roles, run them, and end them in time."""
        await self._build()
        processes = Processes(self._database, self._name) if self._follows else None
        if processes:
            self._stack.push_async_callback(processes.leave)
        connected = partial(self._nodes, Rank.ASIDE)
        watch = await watch_of(self._config, self._roles, self._database, self._health, connected)
        standing = Standing(
            self._config,
            self._roles,
            self._health,
            self._metrics,
            self._database,
            self._index,
            self._matcher,
            self._followers,
            processes,
            watch,
        )
        given = await given_of(self._config, self._roles, self._database)
        context = self._context(standing, given)
        app = (build if "api" in self._roles else build_health)(context)
        url = await self._stack.enter_async_context(site_of(self._config, self._roles, app))
        if url:
            self._closed.listens(URL(url).port or 0)
        async with asyncio.TaskGroup() as group:
            workers = [
                group.create_task(follower.run(stop), name=follower.role)
                for follower in self._followers
            ]
            workers += [
                group.create_task(backfill.run(stop), name=backfill.role)
                for backfill in self._backfills
            ]
            others = [
                group.create_task(role.run(stop, self._health), name=name)
                for name, role in (
                    ("monitor", self._matcher),
                    ("index", self._watchlist),
                    ("webhook", self._sender),
                    ("events", self._tail if "api" in self._roles else None),
                    ("watch", watch),
                    *upkeep(self._config, self._roles, self._aside, self._wake),
                )
                if role is not None
            ]
            workers += [
                group.create_task(reader.run(stop, self._health), name=reader.role)
                for reader in self._token_readers
            ]
            others += [
                group.create_task(
                    forever(name, step, stop=stop, health=self._health, idle_seconds=seconds),
                    name=name,
                )
                for name, step, seconds in (
                    ("gauges", standing.count, GAUGE_SECONDS),
                    ("processes", standing.exchange, TELL_SECONDS),
                )
            ]
            started(url if "api" in self._roles else "")
            await stop.wait()
            await self._end(workers, others)

    async def _end(
        self, workers: Sequence[asyncio.Task[None]], others: Sequence[asyncio.Task[None]]
    ) -> None:
        """Let the roles finish their step. Workers need not: what they do is repeated anyway."""
        log.info("stopping")
        for worker in workers:
            worker.cancel()
        _, late = await asyncio.wait(
            [*workers, *others], timeout=self._config.server.shutdown_seconds
        )
        for task in late:
            log.warning("cut off at the end", role=task.get_name())
            task.cancel()

    async def _build(self) -> None:
        config, roles, webhook = self._config, self._roles, self._config.webhook
        if {"worker", "monitor"} & set(roles):
            self._queue = queue_of(config, self._database)
            self._stack.push_async_callback(self._queue.close)
        topics = topics_of(config) if {"api", "webhook"} & set(roles) else None
        if topics is not None:
            self._stack.push_async_callback(topics.close)
        self._poster = await self._stack.enter_async_context(
            Poster(
                closed=self._closed,
                proxy=webhook.proxy.get_secret_value() if webhook.proxy else None,
                allow_private=cidrs(webhook.allow_private),
                deadline_seconds=webhook.timeout_seconds,
                topics=topics,
                ca=webhook.ca or None,
            )
        )
        if "webhook" in roles:
            self._sender = self._webhook(self._poster)
        if "monitor" in roles and self._queue:
            self._matcher = await self._monitor(self._queue)
        if "worker" in roles and self._queue:
            for name in config.followed:
                follower = await self._worker(name, self._queue)
                self._followers.append(follower)
                self._backfills.append(await self._backfill(name, follower))
                self._token_readers.append(
                    TokenReader(
                        name,
                        await self._nodes(Rank.ASIDE, name),
                        self._aside,
                        clock=clock,
                        leading=lambda follower=follower: follower.term is not None,  # type: ignore[misc]
                    )
                )
        if "api" in roles:
            for name in config.followed:
                self._trials[name] = await self._trial(name)

    def _webhook(self, poster: Poster) -> Sender:
        webhook = self._config.webhook
        return Sender(
            self._database,
            poster,
            clock=clock,
            jitter=partial(random.uniform, -1.0, 1.0),
            observer=self._observer,
            schedule_seconds=webhook.schedule_seconds,
            lease_seconds=webhook.lease_seconds,
            in_flight=webhook.in_flight,
            in_flight_per_endpoint=webhook.in_flight_per_endpoint,
            grace_seconds=self._config.server.shutdown_seconds,
            looks="monitor" not in self._roles,
        )

    async def _monitor(self, queue: Queue) -> Matcher:
        watchlist = self._watchlist = Watchlist(self._database, self._index)
        await watchlist.load()
        # A collection before this would find next to no garbage, and hold the loop for 0.15 s.
        spare_collections()
        chains = {
            name: Chain(
                title_of(network), network.confirmations, kept_headers(network.max_reorg_depth)
            )
            for name, network in self._config.followed.items()
        }
        matcher = Matcher(
            queue,
            self._database,
            self._index,
            chains,
            wake=self._wake,
            clock=clock,
            observer=self._observer,
            refresh=watchlist.refresh if self._follows else watchlist.refresh_if_in_doubt,
            claiming=self._sender.claiming if self._sender else None,
            told=self._precedence.leave,
        )
        await matcher.load()
        return matcher

    async def _nodes(self, rank: Rank, name: str, *urls: str) -> Nodes:
        """Connect to nodes of a network, whose limits all who ask them share."""
        network = self._config.followed[name]
        return await self._stack.enter_async_context(
            Nodes.of_urls(
                name,
                urls or network.rpc,
                chain_id=network.chain_id,
                timeout_seconds=network.timeout_seconds,
                verify=network.verify,
                calls_per_second=network.rpc_per_second,
                limits=self._limits,
                rank=rank,
                traces=network.traces,
                arrives=partial(self._precedence.take, name),
                observer=self._observer,
            )
        )

    async def _worker(self, name: str, queue: Queue) -> Follower:
        network = self._config.followed[name]
        return Follower(
            name,
            network.chain_id,
            await self._nodes(Rank.LIVE, name),
            queue,
            self._database,
            start=network.start,
            max_reorg_depth=network.max_reorg_depth,
            window=network.window,
            poll_seconds=network.poll_seconds,
            clock=clock,
            health=self._health,
            observer=self._observer,
            tags_wanted=partial(self._tags_wanted, network.confirmations),
            lead=Lead(
                name,
                network.chain_id,
                self._database,
                leader=self._name,
                lease_seconds=LEASE_SECONDS if self._shared else None,
            ),
        )

    def _tags_wanted(self, confirmations: Confirmations) -> bool:
        """Whether `safe` and `finalized` are waited for; a matcher elsewhere may well do so."""
        return isinstance(confirmations, str) or self._matcher is None or self._index.asks_tags

    async def _backfill(self, name: str, follower: Follower) -> Backfill:
        network, backfill = self._config.followed[name], self._config.backfill
        return Backfill(
            name,
            network.chain_id,
            title_of(network),
            await self._nodes(Rank.PAST, name),
            self._database,
            term=lambda: follower.term,
            confirmations=network.confirmations,
            keep=kept_headers(network.max_reorg_depth),
            in_flight=backfill.in_flight,
            requests_per_second=backfill.requests_per_second,
            wake=self._wake,
            clock=clock,
            observer=self._observer,
        )

    async def _trial(self, name: str) -> Trial:
        """Return what tries monitors; its nodes are connected to by the first trial."""
        network = self._config.followed[name]
        return Trial(
            name,
            network.chain_id,
            await self._nodes(Rank.ASIDE, name),
            self._database,
            traced=network.traces != "off",
        )

    def _wake(self, endpoints: Iterable[str]) -> None:
        if self._sender:
            self._sender.wake(endpoints)
        self._tail.wake()

    def _context(self, standing: Standing, given: Given) -> Context:
        matcher, watchlist, poster = self._matcher, self._watchlist, self._poster
        assert poster is not None
        return Context(
            database=self._database.aside(self._precedence),
            events=self._tail,
            index=None if self._follows else self._index,
            armed_from=matcher.armed_from if matcher else lambda _: None,
            networks=facts_of(self._config),
            status=standing.status,
            health=self._health,
            roles=tuple(self._roles),
            render_metrics=standing.render,
            wake=self._wake,
            post=poster.post,
            closed=self._closed,
            lease_ms=round(self._config.webhook.lease_seconds * 1000),
            allow_private=cidrs(self._config.webhook.allow_private),
            kafka_topics=self._config.webhook.kafka_topics,
            auth=self._config.api.auth,
            clock=clock,
            random_bytes=secrets.token_bytes,
            processes=standing.processes,
            in_doubt=watchlist.doubt if watchlist else lambda: None,
            trials=self._trials,
            precedence=self._precedence,
            given=given,
        )
