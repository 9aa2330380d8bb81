"""What work costs, in rounds of a plain loop beside it: as many on a slow machine as on a fast one."""

import time
from collections.abc import Callable

TURNS = 50
ROUNDS = 1000


def rounds(work: Callable[[], object], enough: float = 0.0, turns: int = TURNS) -> float:
    """How many rounds of a plain loop take as much of the processor as the work: the least of a few.

    Both are done in turns and counted in time of the processor, so that neither other programs nor
    the speed of the machine change much. enough: it is not tried again once it costs no more.
    """
    ours = loop = float("inf")
    for _ in range(turns):
        begin = time.thread_time_ns()
        _loop()
        between = time.thread_time_ns()
        work()
        end = time.thread_time_ns()
        loop, ours = min(loop, between - begin), min(ours, end - between)
        if ROUNDS * ours <= enough * loop:
            break
    return ROUNDS * ours / loop


def _loop() -> int:
    """Steps of the interpreter and sums of small integers, most of which fit into a cache."""
    total = 0
    for number in range(ROUNDS):
        total = (total * 31 + number) % 1_000_003
    return total
