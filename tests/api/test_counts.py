"""Counts of addresses that are kept as long as no monitor has changed."""

from crypitor.api.counts import Counts
from crypitor.database.monitors import record_changes

ADD = "insert into addresses (monitor_id, address, label) values ('mo_1', :address, null)"


async def test_what_is_counted_is_counted_again_only_after_a_change(database):
    """A row that comes without a change of a monitor, which nothing does, shows what is kept."""
    counts, found = Counts(), []

    async def look() -> None:
        found.append(await database.read(lambda tx: counts.of(tx, ["mo_1", "mo_2"])))

    async def watch(tx) -> None:
        await tx.run(ADD, address="0x2")
        await record_changes(tx, ["mo_1"])

    await look()
    await database.write(lambda tx: tx.run(ADD, address="0x1"))
    await look()
    await database.write(watch)
    await look()

    assert [one["mo_1"] for one in found] == [0, 0, 2]
    assert [one["mo_2"] for one in found] == [0, 0, 0]
