"""Reads bodies and queries, and says in plain words what is wrong with them, and where."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from multidict import MultiMapping
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from crypitor.api.serving.bodies import Body
from crypitor.api.serving.known import known_at, near, unknown_nulls
from crypitor.api.serving.wrong import Wrong
from crypitor.errors import MOST_MISTAKES, Invalid, Mistake
from crypitor.monitor.models import Kind

Model = TypeVar("Model", bound=BaseModel)

MOST_VALUES = 50_000
"""Of a JSON document: a list of 10,000 addresses with labels has 30,000."""

MOST_MEMBERS = 100
"""Of one JSON object: none that is known here has a third of them."""

STATE = "the state is ours to tell; set 'enabled' to true or false"

FOREIGN_FIELDS = {
    "contracts": "transfers of the chain's own coin and deployments have no contract; leave "
    "'contracts' out",
    "direction": "events and calls have no direction; leave 'direction' out",
    "include_failed": "only rules of kind 'native' and 'transaction' can include failed "
    "transactions",
    "signature": "only rules of kind 'event' and 'call' have a signature",
}

_PLAIN_KINDS = (Kind.TRANSACTION, Kind.WITHDRAWAL, Kind.DELEGATION)


def parse_json(body: bytes) -> Any:
    """Return what JSON text stands for. Raises Invalid, with line and column."""
    try:
        document = msgspec.json.decode(body)
    except RecursionError:
        raise Invalid("the JSON is nested too deeply") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise Invalid(f"this is not JSON: {_with_line(str(error), body)}") from error
    _check_size(document)
    return document


def _check_size(document: object) -> None:
    """Raise Invalid for more than can be looked at while others wait."""
    left, waiting = MOST_VALUES, [document]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            if len(inner) > MOST_MEMBERS:
                raise Invalid(f"an object with {len(inner)} fields; the limit is {MOST_MEMBERS}")
            values: Iterable[object] = inner.values()
        elif isinstance(inner, list):
            values = inner
        else:
            continue
        left -= len(inner)
        if left < 0:
            raise Invalid(f"the JSON has more than {MOST_VALUES} values")
        waiting += [value for value in values if isinstance(value, dict | list)]


def validated(model: type[Model], document: object) -> Model:
    """Return a document as its type. Raises Invalid with a pointer to each wrong place."""
    try:
        return model.model_validate(document, context=Wrong())
    except ValidationError as error:
        raise _refusal(error, document, model) from None


def _refusal(error: ValidationError, document: object, model: type[BaseModel]) -> Invalid:
    """Return what refuses a document.

    In a function of its own: an error's traceback refers to the frame that validated. If that frame
    held the error in a variable, the whole document would stay in memory until the next collection.
    """
    errors = error.errors(include_url=False)
    mistakes = [_mistake(wrong, document, model) for wrong in errors[:MOST_MISTAKES]]
    return Invalid(summary(mistakes, len(errors)), mistakes, len(errors))


def read_query(model: type[Model], query: MultiMapping[str]) -> Model:
    """Return the parameters of a query. Raises Invalid; pointers are `?name`."""
    values = dict(query.items())
    if len(values) < len(query):
        counted = Counter(name for name, _ in query.items())
        twice = sorted(name for name, times in counted.items() if times > 1)
        mistakes = [
            Mistake(f"?{name}", "this parameter is given twice") for name in twice[:MOST_MISTAKES]
        ]
        raise Invalid(summary(mistakes, len(twice)), mistakes, len(twice))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _query_refusal(error, model) from None


def _query_refusal(error: ValidationError, model: type[BaseModel]) -> Invalid:
    errors = error.errors(include_url=False)
    mistakes = [
        Mistake(f"?{wrong['loc'][0]}", _in_words(wrong, model)) for wrong in errors[:MOST_MISTAKES]
    ]
    return Invalid(summary(mistakes, len(errors)), mistakes, len(errors))


def summary(mistakes: Sequence[Mistake], count: int | None = None) -> str:
    """Return the sentence that stands above a list of mistakes. count: of all, listed or not."""
    first = mistakes[0]
    place = first.pointer or "the body"
    others = (len(mistakes) if count is None else count) - 1
    more = f" ({others} more in errors)" if others else ""
    return f"{place}: {first.detail}{more}"


def merge_patch(target: object, patch: object) -> Any:
    """Return `target` as a JSON merge patch leaves it. Source: RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def patched(model: type[Model], target: Mapping[str, Any], patch: Mapping[str, Any]) -> Model:
    """Return a document as a merge patch leaves it. Raises Invalid with pointers, as `validated`.

    What is taken away has to be a field: a slip of the pen would change nothing, without a word.
    """
    merged = merge_patch(target, patch)
    for place in unknown_nulls([model], patch):
        here = merged
        for part in place[:-1]:
            here = here[part]
        here[place[-1]] = None
    return validated(model, merged)


def pointer_to(parts: Sequence[object]) -> str:
    """Return an RFC 6901 pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _mistake(wrong: ErrorDetails, document: object, model: type[BaseModel]) -> Mistake:
    """Return what pydantic found; its path also names types, which no document holds."""
    parts: list[object] = []
    here: Any = document
    for place, part in enumerate(wrong["loc"]):
        last = place == len(wrong["loc"]) - 1 and part != "[key]"
        if isinstance(here, Mapping) and isinstance(part, str) and (part in here or last):
            here = here.get(part)
            parts.append(part)
        elif isinstance(here, list) and isinstance(part, int):
            here = here[part]
            parts.append(part)
    if wrong["type"].startswith("union_tag") and isinstance(here, Mapping):
        parts.append("kind")
    return Mistake(pointer_to(parts), _in_words(wrong, model))


def _in_words(wrong: ErrorDetails, model: type[BaseModel]) -> str:
    name, context, value = wrong["type"], wrong.get("ctx", {}), wrong["input"]
    field = str(wrong["loc"][-1]) if wrong["loc"] else ""
    if name == "extra_forbidden":
        return _about_unknown(wrong["loc"], field, model)
    if name == "union_tag_invalid":
        return _about_kind(context["tag"])
    if name in ("string_too_long", "too_long"):
        what = "characters" if name == "string_too_long" else field
        return f"{len(value)} {what}; the limit is {context['max_length']}"
    if name == "string_pattern_mismatch":
        return _about_pattern(field, context["pattern"])
    return _WORDS.get(name, "{msg}").format(**{"msg": _plain(wrong["msg"]), **context})


def _about_unknown(place: Sequence[int | str], field: str, model: type[BaseModel]) -> str:
    known = known_at(model, place[:-1])
    if "rules" in place and field in FOREIGN_FIELDS:
        if (kind := place[-2]) in _PLAIN_KINDS:
            return f"a rule of kind '{kind}' has no '{field}'; leave it out"
        return FOREIGN_FIELDS[field]
    if field == "state" and "enabled" in known and issubclass(model, Body):
        return STATE
    return "there is no such field" + near(field, known)


def _about_pattern(field: str, pattern: str) -> str:
    if field == "cursor":
        return "this is no cursor: take `next_cursor` of the page before"
    if "x00" in pattern:
        more = ", quotes or backslashes" if '"' in pattern else ""
        return f"this must not hold control characters{more}"
    return f"this has to match {pattern}"


def _about_kind(kind: str) -> str:
    return f"there is no kind '{kind}'; now: {', '.join(Kind)}"


def _plain(message: str) -> str:
    return message.replace("Input should be", "this has to be").removeprefix("Value error, ")


_WORDS = {
    "missing": "this field is required",
    "union_tag_not_found": "this field is required",
    "string_type": "this has to be text",
    "bool_type": "this has to be true or false",
    "float_type": "this has to be a number",
    "list_type": "this has to be a list",
    "dict_type": "this has to be an object",
    "model_type": "this has to be an object",
    "model_attributes_type": "this has to be an object",
    "string_too_short": "this must not be empty",
    "too_short": "this must not be empty",
}


def _with_line(message: str, body: bytes) -> str:
    """Replace msgspec's byte position by line and column."""
    found = re.search(r" \(byte (\d+)\)", message)
    if "truncated" in message:
        return "it ends too early"
    if found is None:
        return message
    before = body[: int(found[1])]
    line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
    words = message[: found.start()].removeprefix("JSON is malformed: ")
    return f"{words} (line {line}, column {column})"
