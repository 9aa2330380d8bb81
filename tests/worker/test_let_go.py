"""A node that fails leaves nothing behind: it may do so for days, each time with a block."""

import contextlib

import pytest
from aiohttp import web

from crypitor.errors import Unavailable
from tests.garbage import left_behind
from tests.worker.faulty import unprovable
from tests.worker.test_nodes import clock, first, open_nodes, second, tally  # noqa: F401

TIMES = 5
FAILING = {
    "status": lambda node: setattr(node, "reply", lambda: web.Response(status=500)),
    "no JSON": lambda node: setattr(node, "reply", lambda: web.Response(text="<html>")),
    "no block": lambda node: setattr(node, "alter", unprovable()),
    "half": lambda node: setattr(node, "reply", lambda: web.Response(text='[{"id":1,"result":')),
}


@pytest.mark.parametrize("how", [*FAILING, "gone"])
@pytest.mark.parametrize("count", [1, 2])
async def test_nodes_that_fail_leave_nothing(open_nodes, first, second, clock, how, count):  # noqa: F811
    """One by itself, or one after the other."""
    failing = (first, second)[:count]
    nodes = open_nodes(*(node.url for node in failing), timeout_seconds=5)
    for node in failing:
        if how == "gone":
            await node.stop()
        else:
            FAILING[how](node)

    async def once():
        clock.now += 1000
        with contextlib.suppress(Unavailable):
            await nodes.next(5)

    await once()
    async with left_behind() as left:
        for _ in range(TIMES):
            await once()
    assert left == []
