"""Databases of every schema that there was, each made by the program of its own time.

`python -m tests.schemas` makes the one of the newest schema: run it before a release.
"""

import asyncio
import lzma
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

FOLDER = Path(__file__).parent / "data" / "schemas"
ALL = sorted(path.name.removesuffix(".sql.xz") for path in FOLDER.glob("*.sql.xz"))


def make_database(path: Path, revision: str) -> None:
    """Make the SQLite database of a revision, with what a demo of that time left in it."""
    script = lzma.decompress((FOLDER / f"{revision}.sql.xz").read_bytes()).decode()
    with closing(sqlite3.connect(path)) as database:
        database.execute("pragma journal_mode = wal")
        database.executescript(script)


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return table → its rows, in an order of their own."""
    with closing(sqlite3.connect(path)) as database:
        names = "select name from sqlite_master where type = 'table' and name not like 'sqlite%'"
        return {
            table: sorted(database.execute(f"select * from {table}"), key=repr)
            for (table,) in database.execute(names).fetchall()
        }


def shape_of(path: Path) -> dict[str, object]:
    """Return what a schema is, however it came to be: columns, indexes, references."""
    with closing(sqlite3.connect(path)) as database:
        names = "select name from sqlite_master where type = 'table' and name not like 'sqlite%'"
        return {table: _shape(database, table) for (table,) in database.execute(names).fetchall()}


def _shape(database: sqlite3.Connection, table: str) -> object:
    columns = {row[1:] for row in database.execute(f"pragma table_info({table})")}
    references = {row[2:] for row in database.execute(f"pragma foreign_key_list({table})")}
    indexes = {
        (
            "" if name.startswith("sqlite") else name, unique, partial,
            tuple(row[1:5] for row in database.execute(f"pragma index_xinfo({name})")),
        )
        for _, name, unique, _, partial in database.execute(f"pragma index_list({table})").fetchall()
    }  # fmt: skip
    return columns, references, indexes


async def _make_newest() -> Path:
    """Let the service see some blocks, and keep its database."""
    # Only this needs all of the service.
    from crypitor.database.migrate import migrations_folder, revisions
    from crypitor.development.listen import Receiver
    from crypitor.development.simulator.chain import SimulatedChain
    from crypitor.development.simulator.rpc import SimulatorServer
    from tests.rig import Service, until_all_is_sent

    chain = SimulatedChain(7, chain_id=1337)
    addresses = [actor.address for actor in chain.actors[:3]]
    with tempfile.TemporaryDirectory() as name:
        folder, secrets = Path(name), []
        async with SimulatorServer(chain) as node, Receiver(lambda: secrets) as receiver:
            service = Service(
                folder,
                {
                    "CRYPITOR__NETWORKS__DEMO__CHAIN_ID": "1337",
                    "CRYPITOR__NETWORKS__DEMO__RPC": f'["{node.url}"]',
                    "CRYPITOR__NETWORKS__DEMO__CONFIRMATIONS": "3",
                },
            )
            await service.start()
            watched = {"networks": ["demo"], "addresses": addresses}
            hook = {"webhook": {"url": f"{receiver.url}/hook"}}
            treasury = await service.post("/v1/monitors", {"name": "Treasury"} | watched | hook)
            secrets.append(treasury["webhook"]["secret"])
            chain.mine(4)
            await service.until_tip("demo", chain.head.number)
            await until_all_is_sent(service, receiver)
            closed = {"webhook": {"url": "http://127.0.0.1:9999/closed"}}
            await service.post("/v1/monitors", {"name": "Unheard"} | watched | closed)
            gone = await service.post("/v1/monitors", {"name": "Gone"} | watched)
            await service.post("/v1/keys", {"name": "reader", "scope": "read"})
            async with service.api() as api, api.delete(f"/v1/monitors/{gone['id']}"):
                chain.mine(1)
            await service.until_tip("demo", chain.head.number)
            await service.stop()
        with closing(sqlite3.connect(folder / "crypitor.db")) as database:
            script = "\n".join(database.iterdump()) + "\n"
    made = FOLDER / f"{revisions(migrations_folder())[0]}.sql.xz"
    made.write_bytes(lzma.compress(script.encode(), preset=9))
    return made


if __name__ == "__main__":
    print(asyncio.run(_make_newest()))
