"""Traces, as a receiver of OTLP gets them."""

import subprocess
import sys
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from crypitor.config import load
from crypitor.development.listen import Receiver
from crypitor.development.simulator.chain import SimulatedChain
from crypitor.development.simulator.rpc import SimulatorServer
from crypitor.errors import ConfigError
from tests.patience import HANG_SECONDS
from tests.rig import Service

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector:
    """What it was sent, by name. status: of its answers."""

    def __init__(self, status=200):
        self.status = status
        self.spans = []
        self.asked = 0
        self.app = web.Application()
        self.app.router.add_post("/v1/traces", self._take)

    async def _take(self, request):
        self.asked += 1
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response(status=self.status)

    def named(self, name):
        return [span for span in self.spans if span.name == name]


def attribute(span, name):
    for one in span.attributes:
        if one.key == name:
            return getattr(one.value, one.value.WhichOneof("value"))
    return None


@asynccontextmanager
async def traced(folder, collector, chain, **settings):
    """The service, on a chain, with its traces sent to a collector."""
    async with TestServer(collector.app) as server, SimulatorServer(chain) as node:
        yield Service(
            folder,
            {
                "CRYPITOR__NETWORKS__DEV__CHAIN_ID": "1337",
                "CRYPITOR__NETWORKS__DEV__RPC": f'["{node.url}"]',
                "CRYPITOR__NETWORKS__DEV__POLL_SECONDS": "0.05",
                "CRYPITOR__TELEMETRY__OTLP": str(server.make_url("")),
                **settings,
            },
        )


async def test_a_trace_for_each_block_and_one_for_each_request(tmp_path):
    """From its arrival to the last POST; a caller's own trace goes on."""
    collector, chain = Collector(), SimulatedChain(7)
    async with traced(tmp_path, collector, chain) as service, Receiver(list) as receiver:
        await service.start()
        chain.mine(2)
        await service.until_tip("dev", 1)
        await service.post(
            "/v1/monitors",
            {
                "networks": ["dev"], "addresses": "any",
                "rules": [{"kind": "native", "where": "amount > 0"}],
                "webhook": {"url": receiver.url},
            },
        )  # fmt: skip
        chain.mine(2)
        await service.until_tip("dev", chain.head.number)
        await service.until_nothing_is_due()
        async with service.api() as api:
            answer = await api.get(
                "/v1/networks/dev", headers={"traceparent": f"00-{CALLER}-00f067aa0ba902b7-01"}
            )
            assert answer.status == 200
        assert await service.stop() == 0

    blocks = {attribute(span, "crypitor.block.number"): span for span in collector.named("block")}
    told = blocks[chain.head.number]
    children = [span for span in collector.spans if span.parent_span_id == told.span_id]
    posts = [span for span in children if span.name == "POST"]
    assert {*range(2, chain.head.number + 1)} <= blocks.keys()
    assert attribute(told, "crypitor.block.hash") == chain.head.hash
    assert len(posts) == attribute(told, "crypitor.matches") > 1
    assert {attribute(post, "http.response.status_code") for post in posts} == {204}
    assert {span.trace_id for span in children} == {told.trace_id}
    assert [span.name for span in children].count("match and store") == 1
    assert told.end_time_unix_nano == max(span.end_time_unix_nano for span in children)
    assert all(span.start_time_unix_nano >= told.start_time_unix_nano for span in children)
    [request] = collector.named("GET /v1/networks/{name}")[-1:]
    assert request.trace_id.hex() == CALLER
    assert attribute(request, "http.response.status_code") == 200
    assert len(collector.named("POST /v1/monitors")) == 1


async def test_a_collector_that_takes_nothing_delays_nothing(tmp_path):
    """The log says so once; the chain is followed, and the end is in time."""
    collector, chain = Collector(status=400), SimulatedChain(7)
    async with traced(tmp_path, collector, chain) as service:
        await service.start()
        chain.mine(5)
        await service.until_tip("dev", chain.head.number)
        assert await service.stop() == 0

    assert collector.asked > 0
    assert service.log.read_text().count("traces are not taken") <= 1


def test_when_it_is_off_nothing_of_it_is_imported():
    """Neither by the program nor by what it stands on."""
    program = (
        "import sys; import crypitor.process.app, crypitor.process.roles, crypitor.api.build\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=HANG_SECONDS
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("url", ["localhost:4318", "ftp://host", "http://", "grpc://host:4317"])
def test_a_place_that_is_none_is_a_mistake(url):
    """With its key."""
    with pytest.raises(ConfigError, match=r"telemetry\.otlp: write http"):
        load(None, {"CRYPITOR__TELEMETRY__OTLP": url})
