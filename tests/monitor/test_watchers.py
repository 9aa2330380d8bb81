import random

from crypitor.monitor.packed import Packed
from crypitor.monitor.watchers import MOST_IN_ONE, Labels, Several, Watchers

ADDRESSES = [f"0x{each:040x}" for each in range(100)]
DIGITS = [each[2:] for each in ADDRESSES]


def filled():
    """Watched by monitor 1, and every second one also by 2; packed, from the tenth on."""
    watchers = Watchers(Packed(10))
    assert watchers.add(1, ADDRESSES) == 100
    assert watchers.add(2, ADDRESSES[::2]) == 50
    return watchers


def test_an_address_may_have_several_monitors():
    """
    Each monitor is added once and removed alone; the last one takes the address with it.
    """
    watchers = filled()

    assert watchers.among({*DIGITS[:2]}) == {DIGITS[0]: Several((1, 2)), DIGITS[1]: 1}
    assert watchers.add(2, ADDRESSES) == 50
    assert [watchers.remove(1, each) for each in ADDRESSES[:2]] == [True, True]
    assert [watchers.remove(1, ADDRESSES[0]), watchers.remove(3, ADDRESSES[5])] == [False, False]
    assert [watchers.get(each) for each in ADDRESSES[:3]] == [2, 2, Several((1, 2))]
    assert [watchers.remove(2, ADDRESSES[0]), watchers.get(ADDRESSES[0])] == [True, None]


def test_only_who_is_alive_is_kept():
    """
    Monitors that are gone leave their addresses to the others, or take them with them.
    """
    watchers = filled()
    for _ in watchers.keep(lambda number: number == 2):
        pass

    assert watchers.among({*DIGITS}) == dict.fromkeys(DIGITS[::2], 2)
    assert len(watchers) == 50


def test_groups_that_no_address_has_are_forgotten():
    """
    Each monitor that is added to an address makes another group; the groups before take no room.
    """
    watchers = filled()
    for number in range(3, 600):
        watchers.add(number, ADDRESSES[:1])
    before = watchers.groups
    for _ in watchers.settle():
        pass

    assert (before, watchers.groups) == (598, 2)
    assert watchers.get(ADDRESSES[0]) == Several(tuple(range(1, 600)))
    assert watchers.get(ADDRESSES[2]) == Several((1, 2))


def test_text_that_is_no_address_is_not_watched():
    """
    Whatever a block may hold in place of an address, nobody watches it.
    """
    watchers = filled()

    assert watchers.among({"", "Z", DIGITS[6]}) == {DIGITS[6]: Several((1, 2))}
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
