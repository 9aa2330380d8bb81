"""The copies of a block's answer take no new pages from the system, and threads share what is free."""

import platform
import resource
import subprocess
import sys

import pytest

from crypitor.process.opening import keep_freed_memory

ARENAS = """
import ctypes, threading
from crypitor.process.opening import keep_freed_memory
keep_freed_memory()
gate = threading.Barrier(5)
def take():
    kept = [bytes(1000 + n) for n in range(1000)]
    gate.wait()
for _ in range(4):
    threading.Thread(target=take).start()
gate.wait()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info(0, ctypes.c_void_p(libc.fdopen(1, b"w")))
libc.fflush(None)
"""
"""Of five threads that have memory at the same time; tells the allocator's own account of it."""

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's memory is what is kept")
def test_threads_have_no_arenas_of_their_own():
    """What one of them has freed is there for the others, and goes back to the system as one."""
    account = subprocess.run([sys.executable, "-c", ARENAS], capture_output=True, check=True).stdout

    assert account.count(b"<heap nr=") == 1


def _copies() -> None:
    copies = [bytes([1]) * PIECE_BYTES for _ in range(PIECES)]
    assert sum(map(len, copies)) == PIECES * PIECE_BYTES
