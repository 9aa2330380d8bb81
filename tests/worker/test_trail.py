from crypitor.evm.types import Header
from crypitor.worker.trail import Trail


def header(number, name="a", parent="a"):
    return Header(number, f"{name}{number}", f"{parent}{number - 1}", 0)


def trail_to(number, depth=100):
    trail = Trail(depth)
    for at in range(1, number + 1):
        trail.add(header(at))
    return trail


def test_reaches_as_deep_as_a_reorg_may():
    """Older headers than one that a reorg may go back to are not shown."""
    trail = trail_to(10, depth=3)

    assert [trail.at(number) for number in (6, 7, 10, 11)] == [None, header(7), header(10), None]
    assert (trail.tip, trail.deepest) == (header(10), header(7))


def test_reaches_as_deep_when_the_chain_got_shorter():
    """The depth counts from the tip, wherever that was before; no further than twice the depth."""
    trail = trail_to(10, depth=3)
    trail.back_to(header(8))

    assert (trail.deepest, trail.at(4)) == (header(5), None)
    trail.back_to(header(5))
    assert trail.deepest == header(4)


def test_an_empty_trail_continues_with_anything():
    """The first block has no parent that could be known."""
    trail = Trail(5)

    assert trail.tip is None
    assert trail.at(0) is None
    assert trail.continues_with(header(7))


def test_continues_with_a_child_of_the_tip_only():
    """Height and parent hash must both fit."""
    trail = trail_to(3)

    assert trail.continues_with(header(4))
    assert not trail.continues_with(header(4, parent="b"))
    assert not trail.continues_with(header(3))


def test_goes_back_to_an_ancestor():
    """What is above the ancestor is forgotten and counted."""
    trail = trail_to(5)

    assert trail.back_to(header(2)) == 3
    assert trail.tip == header(2)
    assert trail.at(3) is None
