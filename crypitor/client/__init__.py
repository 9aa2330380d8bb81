"""A client of the REST API: asynchronous, typed, without the service's dependencies.

    async with Client("https://crypitor.example", "ke_…") as crypitor:
        monitor = await crypitor.create_monitor({"networks": ["ethereum"], "addresses": ["0x…"]})
        async for match in crypitor.all_matches(monitor=monitor["id"]):
            print(match["amount"])

Bodies and answers are plain JSON, typed by `crypitor.client.types`.
"""

from crypitor.client.api import Client, Told
from crypitor.client.errors import ClientError, NotVerified, Refused, Unreachable
from crypitor.client.verification import verify

__all__ = ["Client", "ClientError", "NotVerified", "Refused", "Told", "Unreachable", "verify"]
