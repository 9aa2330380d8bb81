"""How much of what is left to chance is tried: little by default, much by `make soak`."""

import os

TIMES = int(os.environ.get("CRYPITOR_TEST_TIMES", "1"))
"""As many times as in the quick run; see the Makefile."""


def examples(count: int) -> int:
    """Return how many random examples a test tries, of which the quick run tries so many."""
    return count * TIMES
