"""What the process says: structlog, for people on a terminal and as JSON elsewhere."""

import logging
import sys
from collections.abc import MutableMapping
from itertools import islice
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from crypitor.runtime.redaction import HIDDEN, cut, redacted

# What libraries say below this is for their authors.
_LIBRARIES_LEVEL = logging.WARNING

_FIRST = ("time", "level", "event")

# Of what is logged: a line is for people, and may hold what a stranger sent.
MOST_ITEMS = 50
DEEPEST = 6
LONGEST_NAME = 200
LONGEST_TRACEBACK = 32 * 1024
LONGEST_LINE = 2 * 1024
_MOST_LINES = 80


def setup(
    level: Literal["debug", "info", "warning", "error"],
    form: Literal["auto", "console", "json"],
    stream: TextIO | None = None,
) -> None:
    """Begin to log; call it once, before anything is logged.

    form: auto is console on a terminal. stream: standard error, because standard output belongs to
    the answers of commands.
    """
    stream = stream or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(
            fmt="%H:%M:%S" if console else "iso", utc=not console, key="time"
        ),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    renderer = _console(stream) if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    _route_libraries(shared, renderer, stream)


def without_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Take secrets out of everything that is text, however deep; put what is read first first.

    What is long is cut before anything else is done with it.
    """
    first = {name: event.pop(name) for name in _FIRST if name in event}
    return {
        name: _traceback(value) if name == "exception" else _clean(value, DEEPEST)
        for name, value in (first | dict(event)).items()
    }


def _clean(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, BaseException):
        return redacted(str(value))
    if not isinstance(value, MutableMapping | list | tuple):
        return value
    if not levels:
        return HIDDEN
    few: Any
    if isinstance(value, MutableMapping):
        few = islice(value.items(), MOST_ITEMS)
        kept = {cut(str(name), LONGEST_NAME): _clean(inner, levels - 1) for name, inner in few}
        return kept if len(value) <= MOST_ITEMS else {**kept, HIDDEN: len(value)}
    few = islice(value, MOST_ITEMS)
    shown = [_clean(inner, levels - 1) for inner in few]
    return shown if len(value) <= MOST_ITEMS else [*shown, f"{HIDDEN} ({len(value)})"]


def _traceback(text: Any) -> str:
    """Return a traceback, line by line: its end says what happened, its beginning where."""
    lines = str(text).splitlines()
    if len(text) > LONGEST_TRACEBACK:
        lines = [*lines[:_MOST_LINES], HIDDEN, *lines[-_MOST_LINES:]]
    return "\n".join(redacted(cut(line, LONGEST_LINE)) for line in lines)


def _console(stream: TextIO) -> Processor:
    # The default formatter of tracebacks shows local variables, keys and passwords among them.
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(),
        timestamp_key="time",
        exception_formatter=structlog.dev.plain_traceback,
    )


def _route_libraries(shared: list[Processor], renderer: Processor, stream: TextIO) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared[:-1]],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            without_secrets,
            renderer,
        ],
    )
    to_stream = logging.StreamHandler(stream)
    to_stream.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [to_stream]
    root.setLevel(_LIBRARIES_LEVEL)
