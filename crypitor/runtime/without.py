"""Leaves out what a library imports where it is there, and what this program does not use of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let imports of these modules fail, as if they were not installed, unless they are in use."""
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # importlib's word for "is not there"
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
