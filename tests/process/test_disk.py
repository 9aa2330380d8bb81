"""The disk of the database: told before it is full, and what can wait waits."""

import pytest

from crypitor.database.room import Room
from crypitor.errors import DatabaseUnavailable
from crypitor.process.disk import Disk
from crypitor.runtime.metrics import Metrics

MB, GB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("used", "free", "disk", "full"),
    [
        (10 * GB, 2 * GB, 100 * GB, False),
        (10 * GB, 900 * MB, 100 * GB, True),  # less than it uses, and than a twentieth
        (100 * MB, 900 * MB, 4 * GB, False),
        (100 * MB, 150 * MB, 4 * GB, True),  # a twentieth of the disk is 205 MB
        (500 * MB, 400 * MB, 1 * GB, True),  # less than it uses
        (1 * MB, 8 * MB, 64 * MB, False),
        (1 * MB, 3 * MB, 64 * MB, True),
        (0, 0, 64 * MB, True),
    ],
)
def test_when_a_disk_is_nearly_full(used, free, disk, full):
    """By what is free, of the disk and beside what is used; small disks are not always full."""
    assert Room(used, free, disk).is_nearly_full is full


async def test_what_can_wait_waits_until_there_is_room_again():
    """The look says so, and so does what is asked before each step of theirs."""
    rooms = [Room(GB, 2 * GB, 9 * GB), Room(GB, 3 * MB, 9 * GB), None, Room(GB, 2 * GB, 9 * GB)]
    metrics = Metrics()
    disk = Disk(lambda: rooms.pop(0), metrics)

    assert await disk.step() is False
    disk.spare()
    with pytest.raises(DatabaseUnavailable, match="nearly full: 3 MB are free"):
        await disk.step()
    with pytest.raises(DatabaseUnavailable):
        disk.spare()
    assert b"crypitor_disk_free_bytes 3.145728e+06" in metrics.render()
    await disk.step()  # it cannot be told now
    disk.spare()
    await disk.step()
    assert b"crypitor_disk_free_bytes 2.147483648e+09" in metrics.render()
