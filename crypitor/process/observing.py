"""Who hears what the roles do: what counts it and, where that is asked for, what traces it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiohttp.typedefs import Middleware

from crypitor.config import Config
from crypitor.process.observer import Observer
from crypitor.runtime.metrics import Metrics

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Observing:
    """What hears the roles. middlewares: before all others of the API.

    steps: what has to be done now and then: name, step, seconds.
    """

    observer: Observer
    middlewares: Sequence[Middleware] = ()
    steps: Sequence[tuple[str, Callable[[], Awaitable[bool]], float]] = ()


async def observing(config: Config, metrics: Metrics, stack: AsyncExitStack) -> Observing:
    """Return who hears the roles; without `telemetry.otlp` nothing of OpenTelemetry is imported."""
    if config.telemetry.otlp is None:
        return Observing(Observer(metrics))
    from crypitor.process.traces import tracing  # noqa: PLC0415 - an extra

    found = await stack.enter_async_context(tracing(config.telemetry, metrics))
    return Observing(found.observer, (found.request,), (("traces", found.step, LOOK_SECONDS),))
