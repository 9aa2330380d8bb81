import gc

from crypitor.monitor.watchers import Several, Watchers, all_of


def filled(number, count):
    watchers = Watchers()
    for each in range(count):
        address = f"0x{each:040x}"
        watchers.parts[address[-1]][address] = all_of((number, each + 2))
    return watchers


def test_no_part_has_many_of_all():
    """
    What one dictionary moves when it grows is a sixteenth of all addresses.
    """
    watchers = filled(1, 1600)

    assert len(watchers) == 1600
    assert {len(part) - 1 for part in watchers.parts.values()} == {100}


def test_the_garbage_collector_walks_no_part():
    """
    Addresses that several monitors watch make no dictionary one that may be part of a cycle.
    """
    watchers = filled(1, 100)

    assert watchers.get(f"0x{7:040x}") == Several((1, 9))
    assert not any(map(gc.is_tracked, watchers.parts.values()))


def test_text_that_is_no_address_is_not_watched():
    """
    Whatever a block may hold in place of an address, nobody watches it.
    """
    watchers = filled(1, 100)

    assert watchers.among({"0x", "0xZ", f"0x{7:040x}"}) == {f"0x{7:040x}": Several((1, 9))}
    assert [watchers.get(text) for text in ("", "0x", "0xZ")] == [None, None, None]
