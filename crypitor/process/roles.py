"""The roles of one process and what they share: built, run side by side, ended in time."""

import asyncio
import random
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeAlias

import structlog

from crypitor.api.build import build, build_health, build_metrics
from crypitor.api.serving.context import Context, Looking, Proposing
from crypitor.api.serving.tail import Tail
from crypitor.backfill.runner import Backfill
from crypitor.backfill.trial import Trial
from crypitor.config import Config
from crypitor.config.shown import settings_of
from crypitor.database.engine import Database
from crypitor.database.given import Given
from crypitor.database.hold import Hold
from crypitor.database.ids import Ids
from crypitor.database.newest import ids_from
from crypitor.database.room import room_of
from crypitor.database.uses import STORE_SECONDS
from crypitor.gauges.looker import Looker
from crypitor.monitor.index import Index
from crypitor.monitor.matcher import Chain, Matcher
from crypitor.monitor.models import Confirmations
from crypitor.monitor.needed import Needed
from crypitor.monitor.position import kept_headers
from crypitor.monitor.watchlist import Watchlist
from crypitor.process.backups import backups_of
from crypitor.process.beside import Beside, beside_of
from crypitor.process.disk import disk_of
from crypitor.process.doors import closed_of, front_of, sites_of
from crypitor.process.farewell import Farewell
from crypitor.process.lost_time import given_of
from crypitor.process.observing import Observing, observing
from crypitor.process.ownership import Ownership
from crypitor.process.peers import TELL_SECONDS, Processes, name_of
from crypitor.process.queues import queue_of, topics_of
from crypitor.process.reloading import Reloading, Sockets
from crypitor.process.status import Standing, facts_of, title_of
from crypitor.process.takeover import living_of, takeover_of
from crypitor.process.upkeep import project_limits, storing_uses, upkeep
from crypitor.process.watch import watch_of
from crypitor.queue import Queue
from crypitor.runtime.loop import (
    Health,
    clock,
    end_with_the_first,
    ended_in_time,
    forever,
    spare_collections,
)
from crypitor.runtime.metrics import Metrics
from crypitor.runtime.precedence import Precedence
from crypitor.webhook.egress import networks as cidrs
from crypitor.webhook.post import Poster
from crypitor.webhook.sender import Sender
from crypitor.worker.follower import Follower
from crypitor.worker.lead import LEASE_SECONDS, Lead
from crypitor.worker.limit import Limits, Rank
from crypitor.worker.nodes import Nodes
from crypitor.worker.resuming import footing_of, proposed

log = structlog.get_logger(__name__)
GAUGE_SECONDS = 10.0
_Leading: TypeAlias = Follower | Backfill | Looker | Ownership


class Roles:
    """The roles of one process and what they share, once the database is open."""

    def __init__(
        self,
        config: Config,
        roles: Sequence[str],
        stack: AsyncExitStack,
        database: Database,
        hold: Hold,
        health: Health,
        reloading: Reloading,
        sockets: Sockets,
    ) -> None:
        self._config = config
        self._reloading = reloading
        self._sockets = sockets
        self._roles = roles
        self._hold = hold
        self._stack = stack
        self._database = database
        self._health = health
        self._shared = config.queue.kind != "memory"
        # With API and monitor in one process the index is changed before the API answers.
        self._follows = self._shared or not {"api", "monitor"} <= set(roles)
        self._life = hold.holder.life
        self._name = name_of(hold.holder.host, hold.holder.process, self._life)
        self._metrics = Metrics()
        self._observing: Observing
        self._disk = disk_of(config, self._metrics)
        self._index = Index()
        self._limits = Limits()
        self._precedence = Precedence(given="monitor" in roles)
        self._aside = database.aside(self._precedence)  # for what nobody waits for
        self._queue: Queue | None = None
        self._watchlist: Watchlist | None = None
        self._matcher: Matcher | None = None
        self._poster: Poster | None = None
        self._closed = closed_of(config)
        self._sender: Sender | None = None
        self._followers: list[Follower] = []
        self._leads: list[Lead] = []  # those without an end
        self._beside: list[Beside] = []
        self._trials: dict[str, Trial] = {}
        self._footings: dict[str, Looking] = {}
        self._proposals: dict[str, Proposing] = {}
        self._tail = Tail(self._aside)

    async def run(self, stop: asyncio.Event, started: Callable[[str], None]) -> None:
        """Build the roles, run them, and end them in time."""
        self._observing = await observing(self._config, self._metrics, self._stack)
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
        disk = self._disk
        backups = backups_of(self._config, self._roles, self._metrics, disk.spare)
        ownership = Ownership(self._hold, self._database, self._health, self._leads)
        living = living_of(self._hold, processes, shared=self._shared)
        takeover = takeover_of(self._database, self._life, living, self._wake, self._sender)
        given = await given_of(self._config, self._roles, self._database)
        context = self._context(standing, given, await self._database.read(ids_from))
        app = (build if "api" in self._roles else build_health)(context)
        apps = app, build_metrics(context)
        url = await self._stack.enter_async_context(
            sites_of(self._config, self._roles, apps, self._sockets, self._closed)
        )
        async with asyncio.TaskGroup() as group:
            leading: tuple[_Leading, ...] = (
                *self._followers,
                *(role for past, looker, _ in self._beside for role in (past, looker)),
                ownership,
            )
            workers = [group.create_task(role.run(stop), name=role.role) for role in leading]
            others = [
                group.create_task(role.run(stop, self._health), name=name)
                for name, role in (
                    ("monitor", self._matcher),
                    ("index", self._watchlist),
                    ("webhook", self._sender),
                    ("events", self._tail if "api" in self._roles else None),
                    ("deleted projects", Farewell(context) if "api" in self._roles else None),
                    ("watch", watch),
                    ("backup", backups),
                    ("disk", disk),
                    *upkeep(self._config, self._roles, self._aside, self._wake, disk.spare),
                )
                if role is not None
            ]
            workers += [
                group.create_task(reader.run(stop, self._health), name=reader.role)
                for _, _, reader in self._beside
            ]
            others += [
                group.create_task(
                    forever(name, step, stop=stop, health=self._health, idle_seconds=seconds),
                    name=name,
                )
                for name, step, seconds in (
                    ("gauges", standing.count, GAUGE_SECONDS),
                    ("processes", standing.exchange, TELL_SECONDS),
                    ("key uses", storing_uses(context.uses, self._aside), STORE_SECONDS),
                    *self._observing.steps,
                    *takeover,
                )
            ]
            end_with_the_first((*workers, *others), stop)
            started(url if "api" in self._roles else "")
            await stop.wait()
            await ended_in_time(workers, others, self._config.server.shutdown_seconds)

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
                self._beside.append(
                    beside_of(
                        config,
                        name,
                        follower,
                        {rank: await self._nodes(rank, name) for rank in (Rank.PAST, Rank.ASIDE)},
                        await self._nodes(Rank.ASIDE, name),
                        (self._database, self._aside),
                        wake=self._wake,
                        observer=self._observing.observer,
                        spare=self._disk.spare,
                    )
                )
        if "api" in roles:
            for name in config.followed:
                self._trials[name] = await self._trial(name)
                aside = await self._nodes(Rank.ASIDE, name)
                self._footings[name] = partial(
                    footing_of, depth=config.followed[name].max_reorg_depth, nodes=aside
                )
                self._proposals[name] = partial(proposed, nodes=aside)

    def _webhook(self, poster: Poster) -> Sender:
        webhook = self._config.webhook
        return Sender(
            self._database,
            poster,
            clock=clock,
            jitter=partial(random.uniform, -1.0, 1.0),
            observer=self._observing.observer,
            schedule_seconds=webhook.schedule_seconds,
            lease_seconds=webhook.lease_seconds,
            in_flight=webhook.in_flight,
            in_flight_per_endpoint=webhook.in_flight_per_endpoint,
            grace_seconds=self._config.server.shutdown_seconds,
            looks="monitor" not in self._roles,
            life=self._life,
            exhausted=self._observing.observer.exhausted,
            precedence=self._precedence,
        )

    async def _monitor(self, queue: Queue) -> Matcher:
        watchlist = self._watchlist = Watchlist(self._database, self._index)
        await watchlist.load()
        # A collection before this would find next to no garbage, and hold the loop for 0.15 s.
        spare_collections()
        chains = {
            name: Chain(
                title_of(network),
                network.confirmations,
                kept_headers(network.max_reorg_depth),
                network.profile.coin_logs.address,
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
            observer=self._observing.observer,
            refresh=watchlist.refresh if self._follows else watchlist.refresh_if_in_doubt,
            claiming=self._sender.claiming if self._sender else None,
            told=self._precedence.leave,
        )
        await matcher.load()
        return matcher

    async def _nodes(self, rank: Rank, name: str, *urls: str) -> Nodes:
        """Connect to nodes of a network, whose limits all who ask them share."""
        network = self._config.followed[name]
        alone = rank is Rank.LIVE and self._matcher is not None and not self._shared
        return await self._stack.enter_async_context(
            Nodes.of_urls(
                name,
                urls or network.rpc,
                chain_id=network.chain_id,
                timeout_seconds=network.timeout_seconds,
                verify=network.verify,
                profile=network.profile,
                calls_per_second=network.rpc_per_second,
                limits=self._limits,
                rank=rank,
                needed=Needed(self._index, name, network.chain_id) if alone else None,
                traces=network.traces,
                arrives=partial(self._precedence.take, name),
                observer=self._observing.observer,
            )
        )

    async def _worker(self, name: str, queue: Queue) -> Follower:
        network = self._config.followed[name]
        lease_seconds = LEASE_SECONDS if self._shared else None
        lead = Lead(name, network.chain_id, self._database, self._name, lease_seconds)
        if lease_seconds is None:
            self._leads.append(lead)
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
            observer=self._observing.observer,
            tags_wanted=partial(self._tags_wanted, network.confirmations),
            lead=lead,
            reset=network.reset,
            title=title_of(network),
        )

    def _tags_wanted(self, confirmations: Confirmations) -> bool:
        """Whether `safe` and `finalized` are waited for; a matcher elsewhere may well do so."""
        return isinstance(confirmations, str) or self._matcher is None or self._index.asks_tags

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

    def _context(self, standing: Standing, given: Given, ids: Ids) -> Context:
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
            front=front_of(self._config),
            clock=clock,
            random_bytes=secrets.token_bytes,
            process=self._name,
            processes=standing.processes,
            in_doubt=watchlist.doubt if watchlist else lambda: None,
            trials=self._trials,
            footings=self._footings,
            proposals=self._proposals,
            precedence=self._precedence,
            given=given,
            ids=ids,
            limits=project_limits(self._config),
            refused=self._observing.observer.refused,
            traced=self._observing.middlewares,
            reload=partial(self._reloading.reload, self._database),
            settings=partial(settings_of, self._config),
            room=partial(room_of, self._config.database.url.get_secret_value()),
        )
