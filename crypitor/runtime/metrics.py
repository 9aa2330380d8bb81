"""What the process measures of itself; the contract's names, and a few more."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# One more series for each counter and histogram, which nothing reads.
disable_created_metrics()  # type: ignore[no-untyped-call]

_FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_NETWORK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
_LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)


class Metrics:
    """One process's metrics, on a registry of their own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        ProcessCollector(registry=registry)

        self.head_block = Gauge(
            "crypitor_head_block", "Newest block of the node.", ["network"], registry=registry
        )
        self.tip_block = Gauge(
            "crypitor_tip_block", "Newest block that was matched.", ["network"], registry=registry
        )
        self.lag_seconds = Gauge(
            "crypitor_lag_seconds", "Age of the tip.", ["network"], registry=registry
        )
        self.blocks = Counter(
            "crypitor_blocks_total", "Blocks matched.", ["network"], registry=registry
        )
        self.reorgs = Counter("crypitor_reorgs_total", "Reorgs.", ["network"], registry=registry)
        self.block_incomplete = Counter(
            "crypitor_block_incomplete_total",
            "Blocks that did not prove themselves.",
            ["network", "node", "check"],
            registry=registry,
        )
        self.rpc_requests = Counter(
            "crypitor_rpc_requests_total",
            "JSON-RPC calls.",
            ["network", "node", "method", "outcome"],
            registry=registry,
        )
        self.rpc_seconds = Histogram(
            "crypitor_rpc_seconds",
            "Duration of JSON-RPC calls.",
            ["network", "node", "method"],
            buckets=_NETWORK,
            registry=registry,
        )
        self.node_requests = Gauge(
            "crypitor_node_requests",
            "Requests sent to a node since the start; a batch is one.",
            ["network", "node"],
            registry=registry,
        )
        self.requests_per_block = Gauge(
            "crypitor_requests_per_block",
            "Requests to all nodes for each block, since the start.",
            ["network"],
            registry=registry,
        )
        self.network_trouble = Gauge(
            "crypitor_network_trouble",
            "1 while the next block cannot be had or proven, a reorg was too deep, or the tip"
            " does not move though there are blocks above it; else 0.",
            ["network"],
            registry=registry,
        )
        self.blocks_per_second = Gauge(
            "crypitor_blocks_per_second",
            "Blocks loaded a second, over the last half minute.",
            ["network"],
            registry=registry,
        )
        self.seconds_to_head = Gauge(
            "crypitor_seconds_to_head",
            "Estimate of when the head is reached; NaN where there is none.",
            ["network"],
            registry=registry,
        )
        self.matches = Counter(
            "crypitor_matches_total", "Matches stored.", ["network", "kind"], registry=registry
        )
        self.looks = Counter(
            "crypitor_looks_total",
            "Balances and views that were looked at in a block.",
            ["network"],
            registry=registry,
        )
        self.undecoded = Counter(
            "crypitor_undecoded_total",
            "Logs and calls of a signature that a rule names, whose content is not by it.",
            ["network"],
            registry=registry,
        )
        self.condition_errors = Counter(
            "crypitor_condition_errors_total",
            "Conditions that could not be evaluated, and did not match.",
            ["network"],
            registry=registry,
        )
        self.match_seconds = Histogram(
            "crypitor_match_seconds",
            "Finding the matches of one block.",
            buckets=_FAST,
            registry=registry,
        )
        self.deliveries = Counter(
            "crypitor_deliveries_total", "Deliveries that ended.", ["outcome"], registry=registry
        )
        self.attempt_seconds = Histogram(
            "crypitor_attempt_seconds",
            "Duration of attempts.",
            buckets=_NETWORK,
            registry=registry,
        )
        self.block_to_webhook_seconds = Histogram(
            "crypitor_block_to_webhook_seconds",
            "From a block's timestamp to the first 2xx.",
            buckets=_LATENCY,
            registry=registry,
        )
        self.seen_to_webhook_seconds = Histogram(
            "crypitor_seen_to_webhook_seconds",
            "From a block's arrival to the first attempt.",
            buckets=_LATENCY,
            registry=registry,
        )
        self.deliveries_due = Gauge(
            "crypitor_deliveries_due", "Deliveries that are due now.", registry=registry
        )
        self.endpoints = Gauge(
            "crypitor_endpoints", "Endpoints by state.", ["state"], registry=registry
        )
        self.monitors = Gauge("crypitor_monitors", "Monitors that are enabled.", registry=registry)
        self.addresses = Gauge("crypitor_addresses", "Addresses watched.", registry=registry)
        self.processes = Gauge(
            "crypitor_processes",
            "Processes that run a role, heard of in the last ten seconds.",
            ["role"],
            registry=registry,
        )
        self.queue_lag_blocks = Gauge(
            "crypitor_queue_lag_blocks",
            "Blocks published and not matched.",
            ["network"],
            registry=registry,
        )

        self.refused = Counter(
            "crypitor_refused_total",
            "Connections and requests to the API's port that were not served.",
            ["reason"],
            registry=registry,
        )
        self.exhausted = Counter(
            "crypitor_exhausted_total",
            "Attempts that this machine had no descriptors, memory or threads for.",
            registry=registry,
        )
        self.backup_age_seconds = Gauge(
            "crypitor_backup_age_seconds",
            "Age of the newest copy of the database; infinite before the first, NaN without any.",
            registry=registry,
        )
        self.disk_free_bytes = Gauge(
            "crypitor_disk_free_bytes",
            "Free on the disk of a SQLite database; NaN for a server's.",
            registry=registry,
        )
        self.backup_period_seconds = Gauge(
            "crypitor_backup_period_seconds",
            "Between two copies of the database, as configured; NaN where there is none.",
            registry=registry,
        )
        for gauge in (self.backup_age_seconds, self.backup_period_seconds, self.disk_free_bytes):
            gauge.set(float("nan"))

    def render(self) -> bytes:
        """Return all of it as Prometheus text, of CONTENT_TYPE."""
        return generate_latest(self._registry)
