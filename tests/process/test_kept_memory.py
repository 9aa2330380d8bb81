"""The copies of a block's answer take no new pages from the system."""

import platform
import resource

import pytest

from crypitor.process.opening import keep_freed_memory

ROUNDS, PIECES, PIECE_BYTES = 20, 4, 700_000


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's memory is what is kept")
def test_memory_that_was_freed_is_used_again():
    """Other than by default, when each large piece is given back and taken anew, page by page."""
    keep_freed_memory()
    _copies()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(ROUNDS):
        _copies()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    assert faults < ROUNDS * PIECES * PIECE_BYTES / resource.getpagesize() / 10


def _copies() -> None:
    copies = [bytes([1]) * PIECE_BYTES for _ in range(PIECES)]
    assert sum(map(len, copies)) == PIECES * PIECE_BYTES
