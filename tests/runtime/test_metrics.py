"""The metrics have the names and labels that dashboards are built on."""

import re

from prometheus_client.parser import text_string_to_metric_families

from crypitor.runtime.metrics import Metrics

CONTRACT = """
    crypitor_head_block{network} crypitor_tip_block{network} crypitor_lag_seconds{network}
    crypitor_blocks_total{network} crypitor_reorgs_total{network}
    crypitor_block_incomplete_total{check,network,node}
    crypitor_rpc_requests_total{method,network,node,outcome}
    crypitor_rpc_seconds{method,network,node} crypitor_matches_total{kind,network}
    crypitor_match_seconds crypitor_deliveries_total{outcome} crypitor_attempt_seconds
    crypitor_block_to_webhook_seconds crypitor_seen_to_webhook_seconds crypitor_deliveries_due
    crypitor_endpoints{state} crypitor_monitors crypitor_addresses
    crypitor_queue_lag_blocks{network}
"""

OURS = """
    crypitor_node_requests{network,node} crypitor_requests_per_block{network}
    crypitor_blocks_per_second{network} crypitor_seconds_to_head{network}
    crypitor_network_trouble{network}
    crypitor_condition_errors_total{network} crypitor_undecoded_total{network}
    crypitor_processes{role} crypitor_refused_total{reason} crypitor_exhausted_total
    crypitor_looks_total{network} crypitor_backup_age_seconds crypitor_backup_period_seconds
    crypitor_disk_free_bytes
"""


def touch(metrics: Metrics) -> None:
    """Give every metric one series; a label's value is its name."""
    for metric in vars(metrics).values():
        labels = getattr(metric, "_labelnames", ())
        if labels:
            metric.labels(*labels)


def test_names_and_labels_are_the_contracts():
    """Those and ours; no more, no fewer, each with the labels in question."""
    metrics = Metrics()
    touch(metrics)
    found = set()
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            name = re.sub(r"(_seconds)_(sum|count|bucket)$", r"\1", sample.name)
            labels = sorted(sample.labels.keys() - {"le"})
            if name.startswith("crypitor_"):
                found.add(name + (f"{{{','.join(labels)}}}" if labels else ""))

    assert sorted(found) == sorted(CONTRACT.split() + OURS.split())


def test_each_object_counts_for_itself():
    """Tests and the demo run several services in one process."""
    first, second = Metrics(), Metrics()
    first.blocks.labels("dev").inc()

    assert b'crypitor_blocks_total{network="dev"} 1.0' in first.render()
    assert b"crypitor_blocks_total{" not in second.render()
