"""Endpoints and deliveries in a database, as a test needs them."""

from dataclasses import replace

from crypitor.database.attempts import claim, load_endpoints, record
from crypitor.database.deliveries import NewDelivery, get_delivery, queue_deliveries
from crypitor.database.endpoints import insert_endpoint
from crypitor.database.engine import Database
from crypitor.monitor.models import Phase
from crypitor.webhook.delivery import Attempt, Delivery, Endpoint, Outcome, Result, after
from tests.webhook.receivers import SECRET

OK = Outcome(0, 5, status_code=204)
BROKEN = Outcome(0, 5, status_code=500, error="answered 500")
GONE = Outcome(0, 5, status_code=410, error="answered 410 Gone")


def endpoint(name: str, url: str = "http://127.0.0.1:9/", **more) -> Endpoint:
    return Endpoint(name, "pr_1", url, SECRET, **more)


def delivery(name: str, endpoint_id: str = "ep_1", **more) -> NewDelivery:
    return replace(
        NewDelivery(
            id=name, project_id="pr_1", monitor_id="mo_1", match_id=f"ma_{name}",
            endpoint_id=endpoint_id, phase=Phase.DETECTED, body=f'{{"id":"{name}"}}', follows=None,
        ),
        **more,
    )  # fmt: skip


class Store:
    """The sender's and the matcher's units of work, one call each."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def prepare(self, *endpoints: Endpoint) -> None:
        async def work(tx):
            await tx.run(
                """insert into projects (id, name, created_at) values ('pr_1', 'default', 0)
                    on conflict do nothing"""
            )
            for one in endpoints:
                await insert_endpoint(tx, one)

        await self.database.write(work)

    async def queue(self, *deliveries: NewDelivery, now: int = 0) -> None:
        await self.database.write(lambda tx: queue_deliveries(tx, deliveries, now))

    async def claim(
        self, endpoint_id: str = "ep_1", now: int = 0, lease_ms: int = 60_000, limit: int = 100
    ) -> list[Delivery]:
        async def work(tx):
            endpoints = await load_endpoints(tx, [endpoint_id])
            asked = [(endpoints[endpoint_id], limit)]
            return (await claim(tx, asked, now, lease_ms))[endpoint_id].deliveries

        return await self.database.write(work)

    async def record(self, *pairs: tuple[Delivery, Outcome], now: int = 0, schedule=(5,) * 9):
        results = [
            Result(one, outcome, after(one, outcome, now, schedule), now) for one, outcome in pairs
        ]
        return await self.database.write(lambda tx: record(tx, results))

    async def get(self, name: str) -> Delivery:
        return (await self.both(name))[0]

    async def attempts(self, name: str) -> list[Attempt]:
        return (await self.both(name))[1]

    async def both(self, name: str) -> tuple[Delivery, list[Attempt]]:
        return await self.database.read(lambda tx: get_delivery(tx, "pr_1", name))

    async def endpoint(self, name: str = "ep_1") -> Endpoint:
        return (await self.database.read(lambda tx: load_endpoints(tx, [name])))[name]

    async def statuses(self) -> dict[str, str]:
        rows = await self.database.read(lambda tx: tx.all("select id, status from deliveries"))
        return {row["id"]: row["status"] for row in rows}
