"""Addresses as people send them: one by one, or a million in a stream of JSON, CSV or NDJSON.

A stream is read in slices of a few milliseconds' work, so that it holds up nobody else.
"""

import codecs
import csv
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from typing_extensions import TypedDict  # pydantic takes this one alone before Python 3.12

from crypitor.api.serving.known import near
from crypitor.api.serving.packed import Packed
from crypitor.errors import Invalid, TooLarge
from crypitor.evm.address import parse_address
from crypitor.evm.types import Address

MOST_ENTRIES = 1_000_000
MOST_BYTES = 256 * 1024 * 1024
LONGEST_ENTRY = 4096
LONGEST_LABEL = 100
MOST_INVALID_LISTED = 1_000
MOST_VALUE_SHOWN = 100
SLICE_BYTES = 32 * 1024

JSON = "application/json"
CSV = "text/csv"
NDJSON = "application/x-ndjson"

# JSON can spell half of a surrogate pair, which is not a character.
_LABEL = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")
_OPENING = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"addresses"[ \t\r\n]*:[ \t\r\n]*\[')
_CLOSING = re.compile(r"\][ \t\r\n]*\}[ \t\r\n]*")
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODE = json.JSONDecoder().raw_decode


class InvalidEntry(TypedDict):
    """A line that was not taken. For JSON `line` is the place in the list; both begin with 1."""

    line: int
    value: str
    reason: str


class ByteStream(Protocol):
    """A body as aiohttp reads it."""

    def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        """Yield the body in pieces of at most n bytes."""


def address_of(value: object) -> Address:
    """Return a lower-case address. Raises ValueError with a sentence."""
    if not isinstance(value, str):
        raise ValueError("this has to be text: 0x and 40 hex digits")  # noqa: TRY004
    return parse_address(value)


def label_of(value: object) -> str | None:
    """Return a label, None for an empty one. Raises ValueError with a sentence."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _LABEL.fullmatch(value):
        raise ValueError("a label is text without control characters")
    if len(value) > LONGEST_LABEL:
        raise ValueError(f"the label has {len(value)} characters; the limit is {LONGEST_LABEL}")
    return value


def entry_of(value: object) -> tuple[Address, str | None]:
    """Return address and label of `"0x…"` or `{"address": "0x…", "label": "…"}`.

    Raises ValueError with a sentence.
    """
    if isinstance(value, str):
        return parse_address(value), None
    if not isinstance(value, dict) or "address" not in value:
        raise ValueError('this has to be an address, or {"address": …, "label": …}')
    unknown = value.keys() - {"address", "label"}
    if unknown:
        name = min(unknown)
        raise ValueError(f"there is no such field: {name}{near(name, ('address', 'label'))}")
    return address_of(value["address"]), label_of(value.get("label"))


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How lines of CSV are read: `address[,label]`, or as a header says.

    delimiter: between columns. address, label: which column has them; label None for none.
    named: whether a header has said so, and other columns are passed over.
    """

    delimiter: str = ","
    address: int = 0
    label: int | None = 1
    named: bool = False

    def entry(self, line: str) -> tuple[Address, str | None]:
        """Return address and label of a line, quoted as in RFC 4180 or not.

        Raises ValueError with a sentence.
        """
        columns = self._columns(line)
        if not self.named and len(columns) > 2:
            raise ValueError("more than two columns; quote a label that holds a comma")
        if len(columns) <= self.address:
            raise ValueError(f"there is no column {self.address + 1}, which has the address")
        has_label = self.label is not None and self.label < len(columns)
        label = columns[self.label] if has_label and self.label is not None else None
        # Within quotes a space is part of the label; without, it only sets the columns apart.
        label = label if label is None or '"' in line else label.strip()
        return parse_address(columns[self.address].strip()), label_of(label)

    def _columns(self, line: str) -> list[str]:
        if '"' not in line:
            return line.split(self.delimiter)
        try:
            return next(csv.reader([line], delimiter=self.delimiter, strict=True))
        except csv.Error as error:
            raise ValueError(f"the quotes are wrong: {error}") from error


def csv_form(line: str) -> CsvForm:
    """Return how the lines are read of which this is the first: a header, or an address.

    Columns are set apart by a comma, a semicolon or a tab. A header names `address`, and `label`
    if there is one, in any order.
    """
    delimiter = next((one for one in "\t;" if one in line), ",")
    if "," in line and delimiter == ";" and line.index(",") < line.index(";"):
        delimiter = ","
    names = [name.strip(' "').lower() for name in line.split(delimiter)]
    if "address" not in names:
        return CsvForm(delimiter)
    label = names.index("label") if "label" in names else None
    return CsvForm(delimiter, names.index("address"), label, named=True)


def ndjson_entry(line: str) -> tuple[Address, str | None]:
    """Return address and label of a line of JSON. Raises ValueError with a sentence."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError("this line is not JSON") from error
    return entry_of(value)


@dataclass(slots=True)
class Intake:
    """What has been read of a stream.

    pairs: valid entries that nobody has taken yet.
    invalid: the first of those that are not valid; invalid_count: of all.
    """

    pairs: Packed = field(default_factory=Packed)
    read: int = 0
    invalid: list[InvalidEntry] = field(default_factory=list)
    invalid_count: int = 0

    def take(
        self, line: int, value: Any, parse: Callable[[Any], tuple[Address, str | None]]
    ) -> None:
        """Take one entry. Raises TooLarge for the one after the last."""
        if self.read == MOST_ENTRIES:
            raise TooLarge(f"more than {MOST_ENTRIES} addresses in one call")
        self.read += 1
        try:
            address, label = parse(value)
        except ValueError as error:
            self.refuse(line, value, str(error))
            return
        self.pairs.add(address, label)

    def refuse(self, line: int, value: Any, reason: str) -> None:
        """Note an entry that is not valid."""
        self.invalid_count += 1
        if len(self.invalid) < MOST_INVALID_LISTED:
            shown = value if isinstance(value, str) else json.dumps(value)
            self.invalid.append({"line": line, "value": shown[:MOST_VALUE_SHOWN], "reason": reason})

    def let_go(self) -> None:
        """Forget what was read: an error's trace may hold this for longer."""
        self.pairs.clear()
        self.invalid.clear()

    def handed_over(self) -> Packed:
        """Return the valid entries; they are taken now."""
        pairs, self.pairs = self.pairs, Packed()
        return pairs


async def read_entries(
    stream: ByteStream, media: str, intake: Intake, seen: Callable[[bytes], object]
) -> AsyncIterator[None]:
    """Read a stream into `intake`; yields after each slice, where others may be let go on.

    media: one of the three types. seen: hears every byte.
    Raises Invalid where a stream as a whole is no such text, and TooLarge.
    """
    reader: _JsonReader | _LineReader
    if media == JSON:
        reader = _JsonReader(intake)
    else:
        reader = _LineReader(intake, ndjson_entry, csv=media == CSV)
    size = 0
    async for piece in stream.iter_chunked(SLICE_BYTES):
        size += len(piece)
        if size > MOST_BYTES:
            raise TooLarge(f"more than {MOST_BYTES} bytes in one call")
        seen(piece)
        reader.feed(piece, last=False)
        yield
    reader.feed(b"", last=True)
    yield


class _LineReader:
    """One entry a line; blank lines and CSV's header are passed over."""

    def __init__(
        self,
        intake: Intake,
        parse: Callable[[str], tuple[Address, str | None]],
        *,
        csv: bool,
    ) -> None:
        self._intake = intake
        self._parse = parse
        self._csv = csv
        if csv:
            self._parse = CsvForm().entry
        self._rest = b""
        self._line = 0

    def feed(self, piece: bytes, *, last: bool) -> None:
        lines = (self._rest + piece).split(b"\n")
        self._rest = b"" if last else lines.pop()
        if len(self._rest) > LONGEST_ENTRY:
            raise Invalid(f"line {self._line + 1} is longer than {LONGEST_ENTRY} bytes")
        for raw in lines:
            self._line += 1
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                self._intake.read += 1
                self._intake.refuse(self._line, raw.decode(errors="replace"), "this is not UTF-8")
                continue
            if self._line == 1:
                text = text.removeprefix("\ufeff")
            text = text.strip(" \r" if self._csv else " \t\r")
            if not text.strip() or (self._csv and self._line == 1 and self._is_header(text)):
                continue
            self._intake.take(self._line, text, self._parse)

    def _is_header(self, line: str) -> bool:
        """Take from the first line how all are read; tell whether it is a header."""
        form = csv_form(line)
        self._parse = form.entry
        return form.named


class _JsonReader:
    """`{"addresses": […]}`, entry by entry: the whole is never held."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._opened = False
        self._closed = False
        self._place = 0

    def feed(self, piece: bytes, *, last: bool) -> None:
        try:
            self._text += self._decoder.decode(piece, last)
        except UnicodeDecodeError as error:
            raise Invalid("the body is not UTF-8") from error
        for value in self._values(last=last):
            self._place += 1
            self._intake.take(self._place, value, entry_of)

    def _values(self, *, last: bool) -> Iterator[object]:
        at = 0 if self._opened else self._open(last=last)
        text = self._text
        while self._opened and not self._closed and (last or len(text) - at > LONGEST_ENTRY):
            at = _space(text, at)
            if text.startswith("]", at):
                self._closed = True
                break
            value, at = self._value(text, at)
            yield value
            at = _space(text, at)
            at = self._separator(text, at)
        self._text = text[at:]
        if last:
            self._close()

    def _open(self, *, last: bool) -> int:
        found = _OPENING.match(self._text)
        if found is None:
            if last or len(self._text) > LONGEST_ENTRY:
                raise Invalid('the body has to be {"addresses": […]} and nothing else')
            return 0
        self._opened = True
        return found.end()

    def _value(self, text: str, at: int) -> tuple[object, int]:
        try:
            return _DECODE(text, at)
        except (ValueError, RecursionError) as error:
            raise Invalid(
                f"entry {self._place + 1} is not JSON, or is longer than {LONGEST_ENTRY} characters"
            ) from error

    def _separator(self, text: str, at: int) -> int:
        if text.startswith(",", at):
            after = _space(text, at + 1)
            if not text.startswith("]", after):
                return after
        elif text.startswith("]", at):
            return at
        raise Invalid(
            f"this is not JSON: a comma or ] is missing or wrong after entry {self._place}"
        )

    def _close(self) -> None:
        if not self._closed or not _CLOSING.fullmatch(self._text):
            raise Invalid(
                f"this is not JSON: after entry {self._place} the end ]}} is missing or wrong"
            )


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()
