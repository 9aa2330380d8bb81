"""Which fields a body may have at a place, to say what somebody may have meant. Pure."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

SIMILAR = 0.7
"""As `difflib` measures it: what is less alike is no slip of the pen."""

SHORTEST = 3
"""Letters of a name that may be the beginning of another one."""


def known_at(model: type[BaseModel], place: Sequence[int | str]) -> set[str]:
    """Return the fields of what stands at a place, as pydantic's errors name it.

    Of the kinds of an object the place names one: by its tag, or its type.
    """
    models = [model]
    for part in place:
        if isinstance(part, int):
            continue
        inner = [
            one
            for each in models
            if part in each.model_fields
            for one in _models_of(each.model_fields[part].annotation)
        ]
        models = inner or [one for one in models if _is_called(one, part)] or models
    return {name for each in models for name in each.model_fields}


def unknown_nulls(
    models: Sequence[type[BaseModel]], patch: Mapping[str, Any], place: Sequence[str] = ()
) -> Iterator[Sequence[str]]:
    """Yield the places of a merge patch's nulls that are no field of what stands there.

    models: which it may be. Members of a free object are no fields: any may be taken away.
    """
    for name, value in patch.items():
        fields = [each.model_fields[name] for each in models if name in each.model_fields]
        if not fields and value is None:
            yield (*place, name)
        if isinstance(value, Mapping):
            inner = [one for field in fields for one in _models_of(field.annotation)]
            yield from unknown_nulls(inner, value, (*place, name)) if inner else ()


def near(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name: what may have been meant."""
    names = sorted(known)
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=SIMILAR)
    if not close and len(name) >= SHORTEST:
        close = [one for one in names if one.startswith(name.lower())]
    return f"; did you mean '{close[0]}'?" if len(close) == 1 else ""


def _models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in (*get_args(annotation), getattr(annotation, "__value__", None)):
        if part is not None:
            yield from _models_of(part)


def _is_called(model: type[BaseModel], name: str) -> bool:
    kind = model.model_fields.get("kind")
    return model.__name__ == name or (kind is not None and name in get_args(kind.annotation))
