"""What the process says: structlog, for people on a terminal and as JSON elsewhere."""

import json
import logging
import sys
from collections.abc import MutableMapping
from itertools import islice
from typing import Any, Literal, TextIO

from crypitor.runtime.redaction import HIDDEN, cut, redacted
from crypitor.runtime.terminal import visible
from crypitor.runtime.without import without

with without("rich", "greenlet"):  # tracebacks that are not shown so here, and what runs none
    import structlog

from structlog.typing import EventDict, Processor, WrappedLogger

# What libraries say below this is for their authors.
_LIBRARIES_LEVEL = logging.WARNING

_TOLD_BY_US = ("asyncpg.pool",)
"""Loggers that tell of a neighbour's outage again, with a traceback."""

_FIRST = ("time", "level", "event")

# Of what is logged: a line is for people, and may hold what a stranger sent.
MOST_ITEMS = 50
DEEPEST = 6
LONGEST_NAME = 200
LONGEST_TRACEBACK = 32 * 1024
LONGEST_LINE = 2 * 1024
_MOST_LINES = 80


Level = Literal["debug", "info", "warning", "error"]

_RANKS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "exception": 40, "critical": 50}


class Levels:
    """From which level on each module is heard; may be changed at any time."""

    def __init__(self) -> None:
        self._rank = _RANKS["info"]
        self._of: dict[str, int] = {}

    def reset(self, level: Level) -> None:
        """Let all modules be heard from this level on."""
        self._rank, self._of = _RANKS[level], {}

    def set(self, level: Level, module: str) -> None:
        """Let a module, with those within it, be heard from a level on: `crypitor.worker`."""
        self._of = {**self._of, module: _RANKS[level]}

    def hears(self, module: str, method: str) -> bool:
        """Tell whether an event of a module is heard. method: as which it is logged."""
        rank = self._rank
        if self._of:
            within = [one for one in self._of if f"{module}.".startswith(f"{one}.")]
            rank = self._of[max(within, key=len)] if within else rank
        return _RANKS.get(method, rank) >= rank


levels = Levels()
"""Of this process."""


class _Named(structlog.WriteLogger):
    """Knows the module that logs."""

    def __init__(self, file: TextIO, name: str) -> None:
        super().__init__(file)
        self.name = name


def _heard(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if not levels.hears(getattr(logger, "name", ""), method):
        raise structlog.DropEvent
    return event


def setup(
    level: Level,
    form: Literal["auto", "console", "json"],
    stream: TextIO | None = None,
) -> None:
    """Begin to log; call it once, before anything is logged.

    form: auto is console on a terminal. stream: standard error, because standard output belongs to
    the answers of commands.
    """
    levels.reset(level)
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
    shown = [as_text, renderer] if console else [renderer]
    structlog.configure(
        processors=[_heard, *shared, *shown],
        wrapper_class=structlog.make_filtering_bound_logger("debug"),
        logger_factory=lambda *names: _Named(stream, names[0] if names else ""),
        cache_logger_on_first_use=True,
    )
    _route_libraries(shared, shown, stream)


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
        return visible(redacted(value))
    if isinstance(value, BaseException):
        return visible(redacted(str(value)))
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if not isinstance(value, MutableMapping | list | tuple):
        return _plain(value)
    if not levels:
        return HIDDEN
    few: Any
    if isinstance(value, MutableMapping):
        few = islice(value.items(), MOST_ITEMS)
        kept = {_name(name): _clean(inner, levels - 1) for name, inner in few}
        return kept if len(value) <= MOST_ITEMS else {**kept, HIDDEN: len(value)}
    few = islice(value, MOST_ITEMS)
    shown = [_clean(inner, levels - 1) for inner in few]
    return shown if len(value) <= MOST_ITEMS else [*shown, f"{HIDDEN} ({len(value)})"]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: no object of the program is ever shown as itself."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray):
        return redacted(f"0x{bytes(value).hex()}")
    kind: Any = type(value)
    if kind.__str__ is object.__str__:  # which says its type and its place in memory
        return kind.__name__
    return visible(redacted(str(value)))


def as_text(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Let people read what is no text as JSON has it: `null`, `["a"]`."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in event.items()
    }


def _name(name: object) -> str:
    return visible(cut(str(name), LONGEST_NAME))


def _traceback(text: Any) -> str:
    """Return a traceback, line by line: its end says what happened, its beginning where."""
    lines = str(text).splitlines()
    if len(text) > LONGEST_TRACEBACK:
        lines = [*lines[:_MOST_LINES], HIDDEN, *lines[-_MOST_LINES:]]
    return "\n".join(visible(redacted(cut(line, LONGEST_LINE))) for line in lines)


def _console(stream: TextIO) -> Processor:
    # The default formatter of tracebacks shows local variables, keys and passwords among them.
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(),
        timestamp_key="time",
        exception_formatter=structlog.dev.plain_traceback,
    )


def _route_libraries(shared: list[Processor], shown: list[Processor], stream: TextIO) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared[:-1]],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            without_secrets,
            *shown,
        ],
    )
    to_stream = logging.StreamHandler(stream)
    to_stream.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [to_stream]
    root.setLevel(_LIBRARIES_LEVEL)
    for name in _TOLD_BY_US:
        logging.getLogger(name).setLevel(logging.ERROR)
