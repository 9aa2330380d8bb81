import gc
import random
import sys

from crypitor.monitor.watchers import MOST_IN_ONE, Labels, Several, Watchers, all_of


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
    Nothing in the dictionaries may be part of a cycle, also where several monitors watch an address.
    """
    watchers = filled(1, 100)
    entries = [one for part in watchers.parts.values() for entry in part.items() for one in entry]

    assert watchers.get(f"0x{7:040x}") == Several((1, 9))
    assert not any(map(gc.is_tracked, entries))
    if sys.version_info < (3, 14):  # from then on every dictionary is tracked
        assert not any(map(gc.is_tracked, watchers.parts.values()))


def test_text_that_is_no_address_is_not_watched():
    """
    Whatever a block may hold in place of an address, nobody watches it.
    """
    watchers = filled(1, 100)

    assert watchers.among({"0x", "0xZ", f"0x{7:040x}"}) == {f"0x{7:040x}": Several((1, 9))}
    assert [watchers.get(text) for text in ("", "0x", "0xZ")] == [None, None, None]


def test_labels_are_found_whether_few_or_many():
    """
    Given, given again and taken away while they grow past one dictionary, labels are as in one.
    """
    chance = random.Random(5)
    labels, model = Labels(), {}
    for number in range(3 * MOST_IN_ONE):
        address = f"0x{chance.randrange(2 * MOST_IN_ONE):040x}"
        if chance.random() < 0.9:
            labels.put(address, f"label {number}")
            model[address] = f"label {number}"
        else:
            labels.drop(address)
            model.pop(address, None)

    found = {f"0x{n:040x}": labels.get(f"0x{n:040x}") for n in range(2 * MOST_IN_ONE)}
    assert {address: label for address, label in found.items() if label is not None} == model
    assert len(model) > MOST_IN_ONE
    assert max(len(part) for part in labels.parts.values()) < len(model) / 12
    assert labels.few == {}
