"""Where the networks of this process stand: for the API, the page and the metrics."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from crypitor.api.context import NetworkFacts
from crypitor.config import Config
from crypitor.database.engine import Database, Transaction
from crypitor.metrics import Metrics
from crypitor.monitor.index import Index
from crypitor.monitor.matcher import Matcher
from crypitor.monitor.models import Confirmations
from crypitor.webhook.body import rfc3339
from crypitor.worker.follower import Follower
from crypitor.worker.status import NetworkStatus

COUNT_DUE = "select count(*) from deliveries where status = 'pending' and due_at <= :now"
COUNT_ENDPOINTS = "select state, count(*) as endpoints from endpoints group by state"
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
        )
        for name, network in config.followed.items()
    }


class Standing:
    """What the worker and the matcher of this process know, put together."""

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        database: Database,
        index: Index,
        matcher: Matcher | None,
        followers: Sequence[Follower],
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._database = database
        self._index = index
        self._matcher = matcher
        self._followers = followers

    def status(self) -> Mapping[str, Mapping[str, object]]:
        """Return what `/v1/networks` shows of each network."""
        status = {name: self._matched(name) for name in self._config.followed}
        for follower in self._followers:
            worker = follower.status
            shown = status[worker.network]
            if worker.head is not None:
                shown["head"] = worker.head.number
                if isinstance(tip := shown.get("tip"), int):
                    shown["lag_blocks"] = max(0, worker.head.number - tip)
            shown["state"] = worker.state
            shown["trouble"] = worker.trouble
            shown["finalized"] = worker.finalized
            shown["blocks_per_second"] = worker.blocks_per_second
            shown["seconds_to_head"] = worker.seconds_to_head
            shown["requests_per_block"] = worker.requests_per_block
            shown["nodes"] = [asdict(node) for node in worker.nodes]
            if worker.last_reorg is not None:
                reorg = asdict(worker.last_reorg)
                shown["last_reorg"] = reorg | {"at": rfc3339(worker.last_reorg.at)}
        return status

    def _matched(self, name: str) -> dict[str, object]:
        tip = self._matcher.tip(name) if self._matcher else None
        if tip is None:
            return {}
        required = self._config.followed[name].confirmations
        return {
            "tip": tip.number,
            "lag_seconds": round(max(0.0, time.time() - tip.timestamp), 1),
            "confirmed": _confirmed(tip.number, required),
        }

    def render(self) -> bytes:
        """Return the metrics, the gauges of networks and monitors as they are now."""
        metrics = self._metrics
        for name, shown in self.status().items():
            for gauge, key in (
                (metrics.head_block, "head"),
                (metrics.tip_block, "tip"),
                (metrics.lag_seconds, "lag_seconds"),
            ):
                if isinstance(value := shown.get(key), int | float):
                    gauge.labels(name).set(value)
        for follower in self._followers:
            self._render_worker(follower.status)
        metrics.monitors.set(len(self._index))
        metrics.addresses.set(self._index.addresses)
        return metrics.render()

    def _render_worker(self, worker: NetworkStatus) -> None:
        metrics, network, tip = self._metrics, worker.network, self._tip(worker.network)
        if worker.tip is not None and tip is not None:
            metrics.queue_lag_blocks.labels(network).set(max(0, worker.tip.number - tip))
        if worker.requests_per_block is not None:
            metrics.requests_per_block.labels(network).set(worker.requests_per_block)
        metrics.network_trouble.labels(network).set(worker.trouble is not None)
        unknown = float("nan")
        seconds = worker.seconds_to_head
        metrics.blocks_per_second.labels(network).set(worker.blocks_per_second)
        metrics.seconds_to_head.labels(network).set(unknown if seconds is None else seconds)
        for node in worker.nodes:
            metrics.node_requests.labels(network, node.name).set(node.requests)

    async def count(self) -> bool:
        """Count, for the metrics, what only the database knows. Raises DatabaseUnavailable."""

        async def counted(tx: Transaction) -> tuple[int, dict[str, int]]:
            due = await tx.value(COUNT_DUE, now=time.time_ns() // 1_000_000)
            endpoints = await tx.all(COUNT_ENDPOINTS)
            return due, {row["state"]: row["endpoints"] for row in endpoints}

        due, endpoints = await self._database.read(counted)
        self._metrics.deliveries_due.set(due)
        for state in ENDPOINT_STATES:
            self._metrics.endpoints.labels(state).set(endpoints.get(state, 0))
        return False

    def _tip(self, network: str) -> int | None:
        tip = self._matcher.tip(network) if self._matcher else None
        return tip.number if tip else None


def _confirmed(tip: int, required: Confirmations) -> int | None:
    """Return the newest block that has its confirmations, None while there is none."""
    if not isinstance(required, int) or tip < required - 1:
        return None
    return tip - required + 1
