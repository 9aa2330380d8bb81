import pytest

from crypitor.evm.types import Header
from crypitor.monitor.position import Extends, Position, Repeated, Unlinked, place


def header(name, number, parent):
    return Header(number, name, parent, 0)


A1, A2, A3 = header("a1", 1, "g"), header("a2", 2, "a1"), header("a3", 3, "a2")
B2, B3 = header("b2", 2, "a1"), header("b3", 3, "b2")
KNOWN = Position(10, (A1, A2, A3))


@pytest.mark.parametrize(
    ("position", "sequence", "block", "expected"),
    [
        pytest.param(Position(0, ()), 1, A2, Extends(None, ()), id="the first block"),
        pytest.param(KNOWN, 11, header("a4", 4, "a3"), Extends(A3, ()), id="next"),
        pytest.param(KNOWN, 11, A3, Repeated(), id="published again after a restart"),
        pytest.param(KNOWN, 11, A1, Repeated(), id="published again from far below"),
        pytest.param(KNOWN, 11, header("b4", 3, "a2"), Extends(A2, (A3,)), id="one block replaced"),
        pytest.param(KNOWN, 11, B2, Extends(A1, (A2, A3)), id="a shorter branch"),
        pytest.param(KNOWN, 11, B3, Unlinked(), id="a block is missing"),
        pytest.param(KNOWN, 11, header("a5", 5, "a4"), Unlinked(), id="a gap"),
        pytest.param(KNOWN, 11, header("c2", 4, "a2"), Unlinked(), id="hash fits, height does not"),
        pytest.param(KNOWN, 10, header("a4", 4, "a3"), Repeated(), id="the same message again"),
        pytest.param(KNOWN, 9, B2, Repeated(), id="an orphan read again must not come back"),
    ],
)
def test_place(position, sequence, block, expected):
    """
    A block extends, repeats, replaces or misses its parent, by hashes and by its sequence.
    """
    assert expected == place(position, sequence, block)


def test_with_block_replaces_what_was_orphaned_and_keeps_a_window():
    """
    After a reorg the kept headers are a chain again, no longer than asked for.
    """
    after = KNOWN.with_block(12, A1, B2, keep=2)

    assert after == Position(12, (A1, B2))
    assert after.with_block(13, B2, B3, keep=2) == Position(13, (B2, B3))
