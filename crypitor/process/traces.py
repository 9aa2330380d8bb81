"""OpenTelemetry: a trace for each block, from its arrival to its last POST, and for each request.

Off unless `telemetry.otlp` names a receiver, and then nothing of this module is imported. Spans are
made when what they tell of is over, out of the times that are known anyway; a thread of their own
sends them. Source: OTLP 1.x over HTTP; OpenTelemetry's semantic conventions for HTTP.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog
from aiohttp import web
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from yarl import URL

import crypitor
from crypitor.config.telemetry import TelemetryConfig
from crypitor.database.effects import Saved
from crypitor.monitor.match import Tally
from crypitor.monitor.models import Match
from crypitor.process.observer import Observer
from crypitor.queue import Message
from crypitor.runtime.loop import clock
from crypitor.runtime.metrics import Metrics
from crypitor.runtime.seldom import Seldom
from crypitor.webhook.delivery import Result

log = structlog.get_logger(__name__)

QUIET_MS = 10_000
"""After its last POST a block's trace ends; a POST that comes later is put to it all the same."""

MOST_BLOCKS, MOST_MATCHES = 1_000, 20_000
"""That are remembered for POSTs which come later."""

SEND_SECONDS = 5.0
FIRST_ERROR = 500

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_nanoseconds = (1_000_000).__mul__


@dataclass(slots=True)
class _Block:
    """A block's trace. last_ms: when the last of it ended, as far as is known."""

    span: Span
    last_ms: int
    ended: bool = False


@dataclass(slots=True)
class _Traces:
    """Traces of blocks whose POSTs may still come, by the matches that are told."""

    of: OrderedDict[str, _Block] = field(default_factory=OrderedDict)
    open: list[_Block] = field(default_factory=list)
    early: OrderedDict[str, list[Result]] = field(default_factory=OrderedDict)


class TracingObserver(Observer):
    """Counts as others do, and makes spans of what it hears."""

    def __init__(self, metrics: Metrics, tracer: Tracer) -> None:
        super().__init__(metrics)
        self._tracer = tracer
        self._traces = _Traces()

    def block_matched(
        self,
        message: Message,
        matches: Sequence[Match],
        tally: Tally,
        saved: Saved,
        seconds: float,
    ) -> None:
        """Begin the trace of a block, with the way that is behind it."""
        super().block_matched(message, matches, tally, saved, seconds)
        now, header = clock(), message.block.header
        told = [match.id for match in matches if match.id in saved.fresh]
        span = self._tracer.start_span(
            "block",
            start_time=_nanoseconds(message.seen_at),
            attributes={
                "crypitor.network": message.network,
                "crypitor.block.number": header.number,
                "crypitor.block.hash": header.hash,
                "crypitor.block.age_seconds": message.seen_at / 1000 - header.timestamp,
                "crypitor.matches": len(told),
            },
        )
        self._tracer.start_span(
            "match and store",
            set_span_in_context(span),
            start_time=_nanoseconds(message.seen_at),
            attributes={"crypitor.match_seconds": seconds},
        ).end(_nanoseconds(now))
        block = _Block(span, now)
        self._traces.open.append(block)
        for match_id in told:
            self._traces.of[match_id] = block
            for result in self._traces.early.pop(match_id, ()):
                self._posted(block, result)
        while len(self._traces.of) > MOST_MATCHES:
            self._traces.of.popitem(last=False)
        if not told or len(self._traces.open) > MOST_BLOCKS:
            self._end(block if not told else self._traces.open[0])

    def attempts_recorded(self, results: Sequence[Result]) -> None:
        """Put POSTs to the traces of their blocks; what came before its block waits for it."""
        super().attempts_recorded(results)
        for result in results:
            match_id = result.delivery.match_id or ""
            block = self._traces.of.get(match_id)
            if block is not None or not match_id:
                self._posted(block, result)
                continue
            self._traces.early.setdefault(match_id, []).append(result)
            if len(self._traces.early) > MOST_MATCHES:
                _, old = self._traces.early.popitem(last=False)
                for each in old:
                    self._posted(None, each)

    def look(self, now: int) -> None:
        """End the traces of blocks of which nothing came for a while. now: unix milliseconds."""
        for block in [one for one in self._traces.open if now - one.last_ms >= QUIET_MS]:
            self._end(block)
        late = [
            match_id
            for match_id, waiting in self._traces.early.items()
            if now - waiting[-1].ended_at >= QUIET_MS
        ]
        for match_id in late:  # of a block that was matched elsewhere, or before the start
            for result in self._traces.early.pop(match_id):
                self._posted(None, result)

    def end(self) -> None:
        """End all traces."""
        self.look(clock() + QUIET_MS + 1)

    def _posted(self, block: _Block | None, result: Result) -> None:
        delivery, outcome = result.delivery, result.outcome
        ended = outcome.started_at + outcome.duration_ms
        span = self._tracer.start_span(
            "POST",
            set_span_in_context(block.span) if block else None,
            kind=SpanKind.CLIENT,
            start_time=_nanoseconds(outcome.started_at),
            attributes={
                "http.request.method": "POST",
                "http.request.resend_count": delivery.attempts,
                "crypitor.delivery": delivery.id,
                "crypitor.endpoint": delivery.endpoint_id,
                "crypitor.match": delivery.match_id or "",
                "crypitor.phase": str(delivery.phase),
            },
        )
        if outcome.status_code is not None:
            span.set_attribute("http.response.status_code", outcome.status_code)
        if not outcome.succeeded:
            span.set_status(Status(StatusCode.ERROR, outcome.error))
        span.end(_nanoseconds(ended))
        if block is not None and not block.ended:
            block.last_ms = max(block.last_ms, ended)

    def _end(self, block: _Block) -> None:
        if not block.ended:
            block.ended = True
            block.span.end(_nanoseconds(block.last_ms))
        if block in self._traces.open:
            self._traces.open.remove(block)


class _Told(SpanExporter):
    """Sends spans, and says once in a while that they are not taken."""

    def __init__(self, inner: SpanExporter, failed: Callable[[], object]) -> None:
        self._inner = inner
        self._failed = failed

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send some; what is not taken is dropped."""
        result = self._inner.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._failed()
        return result

    def shutdown(self) -> None:
        """Send no more."""
        self._inner.shutdown()


class Tracing:
    """What one life of the roles traces with."""

    def __init__(self, tracer: Tracer, metrics: Metrics) -> None:
        self._tracer = tracer
        self.observer = TracingObserver(metrics, tracer)

    async def step(self) -> bool:
        """End what is over; always False."""
        self.observer.look(clock())
        return False

    @web.middleware
    async def request(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Trace a request, within the caller's trace where it sent one (W3C Trace Context)."""
        parent = TraceContextTextMapPropagator().extract(
            {name.lower(): value for name, value in request.headers.items()}
        )
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "no route"
        with self._tracer.start_as_current_span(
            f"{request.method} {route}",
            parent,
            kind=SpanKind.SERVER,
            attributes={"http.request.method": request.method, "http.route": route},
        ) as span:
            answer = await handler(request)
            span.set_attribute("http.response.status_code", answer.status)
            span.set_attribute("crypitor.request", answer.headers.get("X-Request-Id", ""))
            if answer.status >= FIRST_ERROR:
                span.set_status(Status(StatusCode.ERROR))
            return answer


@asynccontextmanager
async def tracing(telemetry: TelemetryConfig, metrics: Metrics) -> AsyncIterator[Tracing]:
    """Give what traces, and send what is left at the end, for some seconds at most."""
    assert telemetry.otlp is not None
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # each failure, with a traceback
    place = URL(telemetry.otlp.get_secret_value())
    loop, seldom = asyncio.get_running_loop(), Seldom(log.warning)

    def tell() -> None:
        seldom.told("traces are not taken", place.host or "")

    failed = partial(loop.call_soon_threadsafe, tell)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(telemetry.ratio)),
        resource=Resource.create(
            {"service.name": "crypitor", "service.version": crypitor.__version__}
        ),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(str(place / "v1" / "traces"), timeout=SEND_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(_Told(exporter, failed)))
    found = Tracing(provider.get_tracer("crypitor", crypitor.__version__), metrics)
    try:
        yield found
    finally:
        found.observer.end()
        await asyncio.wait(
            [asyncio.ensure_future(asyncio.to_thread(provider.shutdown))], timeout=SEND_SECONDS
        )
