"""Logs and calls read by their signature.

A decoder is compiled when it first reads something, and equal signatures share it: of ten thousand
that are asked for, few are ever seen. All arguments stand in one hex text, topics first, so
that those of fixed size have a fixed place in it and are sliced out of what the node sent; the
rest is read by closures (`crypitor.evm.abi.read`).

Strict where Solidity's decoder is: a word that its type cannot hold, an offset or a length that
leads outside, a number of topics other than declared. Lenient where it is: bytes after the
arguments, and what stands between a value's end and the next word. Source: Solidity
documentation, "Contract ABI Specification", "Strict Encoding Mode".
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

from crypitor.evm.abi.read import WORD, Reader, budget_of, pointed_from, reader_of
from crypitor.evm.abi.types import (
    AddressType,
    Argument,
    Event,
    FixedBytesType,
    Function,
    HashedType,
    IntegerType,
    Type,
    head_words,
    is_dynamic,
)

Values: TypeAlias = tuple[Any, ...]
"""The arguments by position, as `crypitor.evm.abi.types` says for each type."""

LogDecoder: TypeAlias = Callable[[Sequence[str], str], Values | None]
"""Of topics and data, as lower-case 0x-hex; None when the log is not one of the event."""

CallDecoder: TypeAlias = Callable[[str], Values | None]
"""Of a transaction's input, as lower-case 0x-hex; None when it is not a call of the function."""


class _Decoder:
    """What reads the logs of an event or the calls of a function, once it is compiled."""

    __slots__ = ("__weakref__", "_compile", "_read")

    def __init__(self, compile_: Callable[[], Callable[..., Values | None]]) -> None:
        self._compile = compile_
        self._read: Callable[..., Values | None] | None = None

    def __call__(self, *encoded: Any) -> Values | None:
        if self._read is None:
            self._read = self._compile()
        return self._read(*encoded)


_decoders: WeakValueDictionary[Event | Function, _Decoder] = WeakValueDictionary()


def log_decoder(event: Event) -> LogDecoder:
    """Return the decoder of an event's logs; it never raises."""
    return _decoders.setdefault(event, _Decoder(partial(_compiled_event, event)))


def call_decoder(function: Function) -> CallDecoder:
    """Return the decoder of a function's calls; it never raises."""
    return _decoders.setdefault(function, _Decoder(partial(_compiled_function, function)))


def _compiled_event(event: Event) -> LogDecoder:
    first = 0 if event.anonymous else 1
    count = first + sum(argument.indexed for argument in event.arguments)
    topics = [f"t{number}" for number in range(count)]
    wrong = ["t0 != topic"] if first else []
    wrong += [f"len({topic}) != 66" for topic in topics[first:]]
    lines = [f"if len(topics) != {count}: return None"]
    if topics:
        lines.append(f"{', '.join(topics)}, = topics")
    if wrong:
        lines.append(f"if {' or '.join(wrong)}: return None")
    lines.append(
        f"text = {' + '.join([f'{topic}[2:]' for topic in topics[first:]] + ['data[2:]'])}"
    )
    body = _Body(event.arguments, (count - first) * WORD)
    decoder: LogDecoder = body.function("topics, data", lines, {"topic": event.topic})
    return decoder


def _compiled_function(function: Function) -> CallDecoder:
    lines = ["if call_input[:10] != selector: return None", "text = call_input[10:]"]
    body = _Body(function.arguments, 0)
    decoder: CallDecoder = body.function("call_input", lines, {"selector": function.selector})
    return decoder


def result_decoder(function: Function) -> CallDecoder:
    """Return the decoder of what a function returns; it never raises.

    None for what is not by the outputs of its signature, an answer without any bytes among it.
    """
    body = _Body(function.outputs, 0)
    decoder: CallDecoder = body.function("data", ["text = data[2:]"], {})
    return decoder


def decode_log(event: Event, topics: Sequence[str], data: str) -> Values | None:
    """Return the arguments of a log, None when it is not one of the event.

    For one log; who reads many keeps the `log_decoder`.
    """
    return log_decoder(event)(topics, data)


def decode_call(function: Function, call_input: str) -> Values | None:
    """Return the arguments of a call, None when it is not one of the function."""
    return call_decoder(function)(call_input)


class _Body:
    """The part of a decoder that reads arguments out of `text`, as Python source.

    Only numbers go into the source; what a user wrote, such as a name, never does.
    """

    def __init__(self, arguments: Sequence[Argument], data_at: int) -> None:
        self.lines: list[str] = []
        self.values: list[str] = []
        self.readers: dict[str, Reader] = {}
        topic_at, head_at = 0, data_at
        for argument in arguments:
            if argument.indexed:
                self.add(argument.type, topic_at, data_at)
                topic_at += WORD
            else:
                self.add(argument.type, head_at, data_at)
                head_at += head_words(argument.type) * WORD
        self.size = head_at

    def add(self, kind: Type, at: int, data_at: int) -> None:
        """Add the argument whose head stands at `at`."""
        end = at + WORD
        match kind:
            case AddressType():
                self.require_zeros(at, 24)
                self.values.append(f"'0x' + text[{at + 24}:{end}]")
            case IntegerType(256, signed=False):
                self.values.append(f"int(text[{at}:{end}], 16)")
            case IntegerType(bits, signed):
                self.integer(f"int(text[{at}:{end}], 16)", bits, signed=signed)
            case HashedType():
                self.values.append(f"'0x' + text[{at}:{end}]")
            case FixedBytesType(size):
                self.require_zeros(at + 2 * size, WORD - 2 * size)
                self.values.append(f"'0x' + text[{at}:{at + 2 * size}]")
            case _:
                reader = reader_of(kind)
                name = f"r{len(self.readers)}"
                self.readers[name] = pointed_from(reader, data_at) if is_dynamic(kind) else reader
                self.values.append(f"{name}(text, {at}, budget)")

    def require_zeros(self, at: int, digits: int) -> None:
        if digits:
            self.lines.append(f"if text[{at}:{at + digits}] != '{'0' * digits}': return None")

    def integer(self, word: str, bits: int, *, signed: bool) -> None:
        name = f"v{len(self.values)}"
        self.values.append(name)
        self.lines.append(f"{name} = {word}")
        if not signed:
            self.lines.append(f"if {name} >> {bits}: return None")
            return
        self.lines.append(f"if {name} >> 255: {name} -= {1 << 256}")
        if bits < 256:
            limit = 1 << (bits - 1)
            self.lines.append(f"if not {-limit} <= {name} < {limit}: return None")

    def function(self, parameters: str, lines: list[str], names: dict[str, str | None]) -> Any:
        """Return the function that runs `lines`, which set `text`, and then reads."""
        inner = [
            # whitespace is the one thing that fromhex skips
            "if len(fromhex(text)) * 2 != length: return None",
            *(["budget = budget_of(length)"] if self.readers else []),
            *self.lines,
            f"return ({''.join(f'{value}, ' for value in self.values)})",
        ]
        outer = [*lines, "length = len(text)", f"if length < {self.size}: return None", "try:"]
        source = [f"def decode({parameters}):", *(f" {line}" for line in outer)]
        source += [f"  {line}" for line in inner]
        source += [" except ValueError: return None"]
        namespace: dict[str, Any] = {
            "__builtins__": {"len": len, "int": int, "ValueError": ValueError},
            "fromhex": bytes.fromhex,
            "budget_of": budget_of,
            **self.readers,
            **names,
        }
        exec("\n".join(source), namespace)  # noqa: S102 - our own text, and numbers
        return namespace["decode"]
