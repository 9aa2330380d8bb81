"""Where the networks stand: for the API, the page and the metrics."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from crypitor.api.serving.context import NetworkFacts
from crypitor.config import Config, NetworkConfig, Role
from crypitor.database.deliveries import count_due
from crypitor.database.endpoints import count_by_state
from crypitor.database.engine import Database, Transaction
from crypitor.database.instants import follow_clock
from crypitor.monitor.index import Index
from crypitor.monitor.matcher import Matcher
from crypitor.monitor.models import Confirmations
from crypitor.process.peers import Processes
from crypitor.process.watch import Watch
from crypitor.runtime.loop import Health, clock
from crypitor.runtime.metrics import Metrics
from crypitor.webhook.body import rfc3339
from crypitor.webhook.message import NetworkTitle
from crypitor.worker.follower import Follower
from crypitor.worker.status import NetworkStatus

ENDPOINT_STATES = ("healthy", "failing", "disabled")


def facts_of(config: Config) -> dict[str, NetworkFacts]:
    """Return what the API tells of each network that is configured."""
    return {
        name: NetworkFacts(
            name=name,
            chain_id=network.chain_id,
            display_name=network.title,
            symbol=network.native_symbol,
            explorer=network.explorer or None,
            confirmations=network.confirmations,
            traces=network.traces != "off",
            verify=network.verify,
        )
        for name, network in config.followed.items()
    }


def title_of(network: NetworkConfig) -> NetworkTitle:
    """Return what webhooks tell of a network that is configured."""
    return NetworkTitle(network.title, network.native_symbol, network.explorer)


class Standing:
    """What worker and matcher know, put together.

    processes: what others know, if there are any. watch: what stands still though nobody says so.
    """

    def __init__(
        self,
        config: Config,
        roles: Sequence[str],
        health: Health,
        metrics: Metrics,
        database: Database,
        index: Index,
        matcher: Matcher | None,
        followers: Sequence[Follower],
        processes: Processes | None,
        watch: Watch,
    ) -> None:
        self._config = config
        self._roles = roles
        self._health = health
        self._metrics = metrics
        self._database = database
        self._index = index
        self._matcher = matcher
        self._followers = followers
        self._processes = processes
        self._watch = watch

    def status(self) -> Mapping[str, Mapping[str, object]]:
        """Return what `/v1/networks` shows of each network."""
        led = {one.network: one for one in self._workers() if one.state != "standby"}
        return {
            name: self._matched(name) | self._loaded(name, led.get(name))
            for name in self._config.followed
        }

    async def exchange(self) -> bool:
        """Tell the other processes, if there may be any, and hear them.

        Always False. Raises DatabaseUnavailable.
        """
        if self._processes is not None:
            itself = {
                "roles": list(self._roles),
                "troubles": self._health.troubles,
                "monitors": len(self._index),
                "addresses": self._index.addresses,
            }
            led = {
                one.status.network: (one.term, self._shown(one.status))
                for one in self._followers
                if one.term is not None
            }
            await self._processes.exchange(itself, led)
        return False

    def processes(self) -> Sequence[Mapping[str, Any]]:
        """Return what the processes of this service told of themselves."""
        return self._processes.all if self._processes else ()

    def _workers(self) -> list[NetworkStatus]:
        return [follower.status for follower in self._followers]

    def _loaded(self, name: str, worker: NetworkStatus | None) -> dict[str, object]:
        """Return what the network's worker knows, here or in another process."""
        if worker is not None:
            shown = self._shown(worker)
        elif self._processes is None:
            return self._watched(name, {})
        else:
            shown = self._watched(
                name,
                self._processes.standing(name)
                or {"state": None, "trouble": "no worker leads this network"},
            )
        head, tip = shown.get("head"), self._tip(name)
        if isinstance(head, int) and tip is not None:
            shown["lag_blocks"] = max(0, head - tip[0])
        required = self._config.followed[name].confirmations
        if tip is not None and isinstance(required, str):
            shown["confirmed"] = confirmed_at(tip[0], required, shown)
        return shown

    def _shown(self, worker: NetworkStatus) -> dict[str, object]:
        return self._watched(worker.network, _shown(worker))

    def _watched(self, name: str, shown: dict[str, object]) -> dict[str, object]:
        """Return it with what the watch says, where nobody else says what is wrong."""
        reason = self._watch.reason(name)
        if reason is None or shown.get("state") in ("waiting", "stopped"):
            return shown
        trouble = shown.get("trouble") or reason
        return {**shown, "state": "waiting", "trouble": trouble, "seconds_to_head": None}

    def _matched(self, name: str) -> dict[str, object]:
        tip = self._tip(name)
        if tip is None:
            return {}
        number, timestamp = tip
        return {
            "tip": number,
            "lag_seconds": round(max(0.0, clock() / 1000 - timestamp), 1),
            "confirmed": confirmed_at(number, self._config.followed[name].confirmations, {}),
        }

    def _tip(self, name: str) -> tuple[int, int] | None:
        """Return height and timestamp of the newest matched block, whoever matched it."""
        if self._processes is not None:
            return self._processes.tip(name)
        tip = self._matcher.tip(name) if self._matcher else None
        return (tip.number, tip.timestamp) if tip else None

    async def render(self) -> bytes:
        """Return the metrics, the gauges of networks and monitors as they are now.

        Their text is made in a thread: of fifty networks it takes 50 ms.
        """
        metrics = self._metrics
        for name, shown in self.status().items():
            metrics.network_trouble.labels(name).set(self._watch.reason(name) is not None)
            for gauge, key in (
                (metrics.head_block, "head"),
                (metrics.tip_block, "tip"),
                (metrics.lag_seconds, "lag_seconds"),
            ):
                if isinstance(value := shown.get(key), int | float):
                    gauge.labels(name).set(value)
        for worker in self._workers():
            self._render_worker(worker)
        for role in Role:
            alive = [one for one in self.processes() if role in one["roles"]]
            metrics.processes.labels(role).set(
                len(alive) if self._processes else role in self._roles
            )
        if self._matcher:
            metrics.monitors.set(len(self._index))
            metrics.addresses.set(self._index.addresses)
        elif heard := [one for one in self.processes() if "monitor" in one["roles"]]:
            metrics.monitors.set(max(one["monitors"] for one in heard))
            metrics.addresses.set(max(one["addresses"] for one in heard))
        return await asyncio.to_thread(metrics.render)

    def _render_worker(self, worker: NetworkStatus) -> None:
        metrics, network, tip = self._metrics, worker.network, self._tip(worker.network)
        if worker.tip is not None and tip is not None and worker.state != "standby":
            metrics.queue_lag_blocks.labels(network).set(max(0, worker.tip.number - tip[0]))
        if worker.requests_per_block is not None:
            metrics.requests_per_block.labels(network).set(worker.requests_per_block)
        if worker.trouble is not None:
            metrics.network_trouble.labels(network).set(1)
        unknown = float("nan")
        seconds = worker.seconds_to_head
        metrics.blocks_per_second.labels(network).set(worker.blocks_per_second)
        metrics.seconds_to_head.labels(network).set(unknown if seconds is None else seconds)
        for node in worker.nodes:
            metrics.node_requests.labels(network, node.name).set(node.requests)

    async def count(self) -> bool:
        """Count, for the metrics, what only the database knows. Raises DatabaseUnavailable."""

        async def counted(tx: Transaction) -> tuple[int, dict[str, int]]:
            await follow_clock(tx)
            return await count_due(tx, clock()), await count_by_state(tx)

        due, endpoints = await self._database.read(counted, at_once=True)
        self._metrics.deliveries_due.set(due)
        for state in ENDPOINT_STATES:
            self._metrics.endpoints.labels(state).set(endpoints.get(state, 0))
        return False


def _shown(worker: NetworkStatus) -> dict[str, object]:
    """Return what is shown of a network by its worker."""
    reorgs = [asdict(one) | {"at": rfc3339(one.at)} for one in reversed(worker.reorgs)]
    return {
        "head": worker.head.number if worker.head else None,
        "state": worker.state,
        "trouble": worker.trouble,
        "safe": worker.safe,
        "finalized": worker.finalized,
        "blocks_per_second": worker.blocks_per_second,
        "seconds_to_head": worker.seconds_to_head,
        "requests_per_block": worker.requests_per_block,
        "nodes": [asdict(node) for node in worker.nodes],
        "last_reorg": reorgs[0] if reorgs else None,
        "reorgs": reorgs,
    }


def confirmed_at(tip: int, required: Confirmations, tags: Mapping[str, object]) -> int | None:
    """Return the newest matched block that has its confirmations, None while there is none.

    tags: tag → its height, where a node told of it.
    """
    if isinstance(required, str):
        height = tags.get(required)
        return min(height, tip) if isinstance(height, int) else None
    return None if tip < required - 1 else tip - required + 1
