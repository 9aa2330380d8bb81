"""Which processes are known to live, by what they told."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from crypitor.database.engine import Database
from crypitor.errors import DatabaseUnavailable
from crypitor.process.peers import HEARD_MS, Processes, life_of, name_of

ITSELF = {"roles": ["webhook"], "troubles": {}, "monitors": 0, "addresses": 0}


def of(database: Database, life: str) -> Processes:
    return Processes(database, name_of("ho:st", 7, life))


def pass_time(process):
    """What is so when it has heard the others for long enough."""
    process._hearing_since -= HEARD_MS / 1000


async def test_nobody_is_thought_dead_before_everybody_had_time_to_tell(database):
    """After the start that is not known yet; then it is, of those that told of late."""
    one, other = of(database, "aa"), of(database, "bb")
    for process in (other, one):
        await process.exchange(ITSELF, {})
    before = await one.living()
    pass_time(one)
    both = await one.living()
    await database.write(
        lambda tx: tx.run(
            "update processes set told_at = told_at - :ms where id like '%:bb'", ms=HEARD_MS
        )
    )
    await one.exchange(ITSELF, {})

    assert before is None
    assert both == {"aa", "bb"}
    assert await one.living() == {"aa"}


async def test_after_an_outage_it_is_not_known(tmp_path, migrated_sqlite):
    """Then all have told nothing for as long as it lasted."""
    shutil.copy(migrated_sqlite, tmp_path / "x.db")
    async with Database.open(f"sqlite:///{tmp_path}/x.db") as database:
        one = of(database, "aa")
        await one.exchange(ITSELF, {})
        pass_time(one)
        known = await one.living()
        with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None)) as other:
            other.execute("begin immediate")
            with pytest.raises(DatabaseUnavailable):
                await one.exchange(ITSELF, {})
            other.execute("rollback")
        await one.exchange(ITSELF, {})

    assert known == {"aa"}
    assert await one.living() is None


def test_a_life_is_the_end_of_a_name():
    """Whatever the host is called."""
    assert life_of(name_of("a:b", 1, "cc")) == "cc"
