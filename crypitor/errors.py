"""Everything Crypitor raises on purpose, sorted by who must act.

CrypitorError
├── ConfigError              the operator must edit the configuration
├── Unavailable              a neighbour is down, slow or wrong: wait and try again
│   ├── NodeUnavailable      … a JSON-RPC node
│   │   └── Unproven         … which answered with a block that does not prove itself
│   ├── BrokerUnavailable    … Kafka
│   ├── DatabaseUnavailable  … SQLite or PostgreSQL
│   └── Exhausted            this machine has no descriptors, memory or threads left
├── Displaced                another process does now what this one did: it ends
├── IndexOutdated            monitors changed while a block was matched: match it again
├── DeepReorg                the chain forked below what is kept: an operator must choose
└── CallerError              the caller of the API must change the request
    ├── Invalid              400, with a pointer to each wrong place
    ├── Unauthorized         401
    ├── Forbidden            403
    ├── NotFound             404
    ├── Conflict             409
    ├── Gone                 410
    ├── TooLarge             413
    ├── UnknownType          415
    ├── Misdirected          421
    ├── NothingTaken         422, of a file in which nothing was right
    └── TooMany              429, and after how many seconds to come again

Anything else is our own mistake: it is not caught, and ends the process.
"""

import errno
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


class CrypitorError(Exception):
    """The root of everything raised on purpose."""


class ConfigError(CrypitorError):
    """The configuration cannot be used.

    mistakes: one line for each, beginning with its key (`networks.ethereum.rpc: …`).
    """

    def __init__(self, source: str, mistakes: Sequence[str]) -> None:
        self.source = source
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join([f"{source}:", *(f"  {line}" for line in mistakes)]))


class Unavailable(CrypitorError):
    """A neighbour cannot be used now; the same request may succeed later.

    retry_after: seconds that the neighbour asked us to wait, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NodeUnavailable(Unavailable):
    """A JSON-RPC node refused, timed out, or answered what no healthy node answers."""


class Unproven(NodeUnavailable):
    """A block whose parts contradict each other.

    check: which proof failed (`transactions`, `receipts`, `hash`, `logs`, `bloom`, `root`,
    `traces`, `withdrawals`, `settled`).
    """

    def __init__(self, check: str, message: str) -> None:
        super().__init__(message)
        self.check = check


class BrokerUnavailable(Unavailable):
    """Kafka cannot be reached or made no progress in time."""


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, is locked for too long, or lost the connection."""


class Displaced(CrypitorError):
    """Another process has taken over: this one ends, and may be started again where it has left."""


class Exhausted(Unavailable):
    """This machine has run out of something, which is no neighbour's fault."""


class IndexOutdated(CrypitorError):
    """Monitors have changed since the index of this process was brought up to date."""


class DeepReorg(CrypitorError):
    """No common ancestor among the kept headers: going on would lose or invent matches."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong place in a request.

    pointer: RFC 6901 pointer into the body (`/rules/0/contracts/1`), or `?limit` for a query
    parameter.
    """

    pointer: str
    detail: str


MOST_MISTAKES = 100
"""That are told of one request."""


class CallerError(CrypitorError):
    """The caller of the API must change the request; `detail` is written for that person.

    mistakes: the first MOST_MISTAKES. count: of all.
    """

    status = 400
    title = "Bad request"

    def __init__(
        self, detail: str, mistakes: Sequence[Mistake] = (), count: int | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.mistakes = tuple(mistakes[:MOST_MISTAKES])
        self.count = len(mistakes) if count is None else count


class Invalid(CallerError):
    """The request is understood and cannot be accepted as it is."""

    title = "Invalid request"


class Unauthorized(CallerError):
    """No key, or one that is not known."""

    status = 401
    title = "Unauthorized"


class Forbidden(CallerError):
    """The key is known and its scope does not reach this far."""

    status = 403
    title = "Forbidden"


class NotFound(CallerError):
    """No such thing in this project."""

    status = 404
    title = "Not found"


class Conflict(CallerError):
    """The request contradicts what is stored."""

    status = 409
    title = "Conflict"


class Gone(CallerError):
    """What was asked for was here and is kept no longer."""

    status = 410
    title = "Gone"


class TooLarge(CallerError):
    """The body, or a list in it, is longer than its limit."""

    status = 413
    title = "Too large"


class UnknownType(CallerError):
    """The body is of a type that is not read."""

    status = 415
    title = "Unsupported media type"


class Misdirected(CallerError):
    """What was called has a name that the service does not have."""

    status = 421
    title = "Misdirected request"


class NothingTaken(CallerError):
    """A list could be read, and no entry of it was right: most often it is another kind of file."""

    status = 422
    title = "Nothing was taken"


class TooMany(CallerError):
    """As many of these are under way as may be; the same request may be made a little later.

    headers: of the answer, beside `Retry-After`.
    """

    status = 429
    title = "Too many requests"
    retry_after_seconds = 5
    headers: Mapping[str, str] = MappingProxyType({})


def first_of(group: BaseExceptionGroup[CrypitorError]) -> CrypitorError:
    """Return the first of the errors that were raised side by side."""
    found = group.exceptions[0]
    return first_of(found) if isinstance(found, BaseExceptionGroup) else found


_JOINED = "Multiple exceptions: "
"""How asyncio, uvloop and aiohappyeyeballs begin when several addresses failed in several ways."""

_NUMBER = re.compile(r"\[Errno (\d+)\]")
_ADDRESS = re.compile(r" ?\('[^']*', \d+(?:, \d+, \d+)?\)")


def reason_of(error: Exception) -> str:
    """Return what an error of TLS or of the system says, which may name the address it is about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError) and getattr(error, "reason", None):
        return str(error.reason).replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.removeprefix(_JOINED)
    return str(error) or type(error).__name__


def words_of(error: OSError) -> str:
    """Return why the system refused, as "connection refused": no addresses."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {reason_of(error)}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {reason_of(error)}"
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno).lower()
    text = reason_of(error)  # a resolver's, with a number of its own; or several, joined
    numbers = dict.fromkeys(map(int, _NUMBER.findall(text)))
    if numbers:
        return ", ".join(os.strerror(number).lower() for number in numbers)
    return _ADDRESS.sub("", text.removeprefix(_JOINED)).lower()
