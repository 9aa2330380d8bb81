"""What a receiver's success looks like, where its owner says so. Pure.

    {"status": "2xx,409", "body": "accepted"}
    {"status": "200", "body": {"pointer": "/result/ok", "value": true}}

Many a service answers 200 and says in the body that nothing was done.
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from crypitor.errors import Invalid, Mistake
from crypitor.runtime.remembered import remembered

LONGEST_SUBSTRING = 1000
LONGEST_POINTER = 500
LONGEST_STATUS = 100
ANY_SUCCESS = "2xx"
# Without 410, 429 and 503, which say more than no, and are obeyed: never again, not now.
_ONE = r"([23]xx|[23][0-9][0-9]|4(0[0-9]|1[1-9]|2[0-8]|[3-9][0-9])|5(0[0-24-9]|[1-9][0-9]))"
STATUS = rf"^{_ONE}(, ?{_ONE})*$"
POINTER = r"^(/([^/~]|~[01])*)*$"
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Pointed:
    """A place in a JSON answer, and what has to stand there. pointer: RFC 6901."""

    pointer: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Success:
    """An answer that took a delivery.

    status: status codes (`201`) or classes of them (`2xx`), with commas between. body: some text
    that the answer holds, or what stands at a place in its JSON; None: anything.
    """

    status: str = ANY_SUCCESS
    body: str | Pointed | None = None


def check_success(success: Success) -> None:
    """Raise Invalid, with pointers, for one that cannot be."""
    mistakes = []
    if not re.fullmatch(STATUS, success.status):
        wrong = "write 2xx, 3xx or status codes, with commas; 410, 429 and 503 are never success"
        mistakes.append(Mistake("/success/status", wrong))
    pointed = success.body
    if isinstance(pointed, Pointed) and not re.fullmatch(POINTER, pointed.pointer):
        wrong = "a JSON pointer is empty or begins with /, and ~ is written ~0 (RFC 6901)"
        mistakes.append(Mistake("/success/body/pointer", wrong))
    if pointed == "":
        wrong = "every answer holds the empty text: leave it out"
        mistakes.append(Mistake("/success/body", wrong))
    if mistakes:
        raise Invalid("this cannot tell success", mistakes)


def has_status(success: Success | None, status_code: int) -> bool:
    """Tell whether an answer's status is one of success; without a rule every 2xx is."""
    if success is None:
        return status_code // 100 == 2
    wanted = re.split(", ?", success.status)
    return str(status_code) in wanted or f"{status_code // 100}xx" in wanted


def missing_in(success: Success, body: bytes, *, whole: bool) -> str | None:
    """Return what an answer's body lacks of success, as a sentence; None for nothing.

    whole: False for one that was cut off, or is compressed; no JSON is read of it.
    """
    if success.body is None:
        return None
    if isinstance(success.body, str):
        found = success.body in body.decode(errors="replace")
        return None if found else "its body does not hold what success.body says"
    if not whole:
        return "its body cannot be read to the end"
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return "its body is not JSON"
    if _same(_at(document, success.body.pointer), success.body.value):
        return None
    return f"what stands at {success.body.pointer or 'its root'} is not what success.body says"


def success_text(success: Success | None) -> str | None:
    """Return it as it is stored."""
    return None if success is None else msgspec.json.encode(success).decode()


@remembered()
def stored_success(text: str | None) -> Success | None:
    """Return what was stored."""
    return None if text is None else msgspec.json.decode(text, type=Success)


def _at(document: Any, pointer: str) -> Any:
    """Return what stands at a JSON pointer, `_NOTHING` where nothing does. RFC 6901, 4."""
    here = document
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict):
            here = here.get(name, _NOTHING)
        elif isinstance(here, list) and re.fullmatch("0|[1-9][0-9]{0,6}", name):
            here = here[int(name)] if int(name) < len(here) else _NOTHING
        else:
            return _NOTHING
    return here


def _same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal; unlike in Python, true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return bool(one == other)
