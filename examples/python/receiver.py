"""Receives webhooks of Crypitor: checks the signature, takes each once, and knows the three phases.

Start it with CRYPITOR_SECRET=whsec_… python receiver.py (PORT=8000, STORE=deposits.db); it needs
aiohttp and crypitor-client.
"""

import os
import sqlite3

from aiohttp import web

from crypitor.client import NotVerified, verify

SCHEMA = """
create table if not exists webhooks (id text primary key);
create table if not exists deposits (
    match_id text primary key, address text, amount text, symbol text, state text, told_at text
);
"""
# A replay may bring an earlier phase after a later one: what was told last counts.
UPDATE = """insert into deposits values (?, ?, ?, ?, ?, ?)
    on conflict (match_id) do update set state = excluded.state, told_at = excluded.told_at
    where excluded.told_at >= told_at"""
STATES = {"match.detected": "pending", "match.confirmed": "credited", "match.reverted": "void"}


async def take(request: web.Request) -> web.Response:
    """Answer 204 once a webhook is stored: what is answered otherwise comes again."""
    body = await request.read()  # the very bytes: they are what is signed
    try:
        told = verify(request.headers, body, os.environ["CRYPITOR_SECRET"])
    except NotVerified as reason:
        return web.Response(status=401, text=str(reason))
    with request.app[DATABASE] as database:  # one transaction: both, or neither
        new = database.execute(
            "insert or ignore into webhooks values (?)", [request.headers["webhook-id"]]
        )
        if new.rowcount and told["type"] in STATES:
            match = told["data"]
            contract = match["contract"] or {"symbol": None}
            database.execute(
                UPDATE,
                [match["id"], match["address"], match["amount"], contract["symbol"],
                 STATES[told["type"]], told["timestamp"]],
            )  # fmt: skip
    return web.Response(status=204)


DATABASE = web.AppKey("database", sqlite3.Connection)


def main() -> None:
    """Serve until it is stopped."""
    app = web.Application()
    app[DATABASE] = sqlite3.connect(os.environ.get("STORE", "deposits.db"))
    app[DATABASE].executescript(SCHEMA)
    app.router.add_post("/", take)
    web.run_app(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))


if __name__ == "__main__":
    main()
