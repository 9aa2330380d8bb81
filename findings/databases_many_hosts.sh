#!/usr/bin/env bash
# databases cannot connect by a PostgreSQL URL with several hosts, which its driver takes.
#
# One would guess: `databases.Database("postgresql://user@a:5432,b:5433/name")` hands the URL to asyncpg,
# which tries one host after the other, as libpq does.
# True (databases 0.9.0 with asyncpg 0.32.0): it parses the URL itself and gives asyncpg `host` and `port`
# beside the DSN. Of two hosts the port cannot be read, so the first use ends with a ValueError about a
# port; asyncpg alone takes the same URL and goes through its hosts.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install databases==0.9.0 asyncpg==0.32.0 'sqlalchemy==2.0.58'
"$folder/venv/bin/python" - <<'PY'
import asyncio

import asyncpg
import databases

URL = "postgresql://user@127.0.0.1:1,127.0.0.1:2/name"

async def told(work):
    try:
        await work()
    except BaseException as error:
        return type(error), str(error)
    return None, ""

by_itself = asyncio.run(told(lambda: asyncpg.connect(URL, timeout=5)))
wrapped = asyncio.run(told(lambda: databases.Database(URL).connect()))
print("asyncpg:  ", by_itself)
print("databases:", wrapped)
assert issubclass(by_itself[0], OSError), "asyncpg tries both hosts and finds nobody there"
assert wrapped[0] is ValueError and "port" in wrapped[1].lower(), wrapped
print("as described")
PY
