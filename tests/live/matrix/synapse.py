"""Synapse, the reference server of Matrix, with one user and one room."""

import asyncio
import hashlib
import hmac
import os
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.patience import HANG_SECONDS
from tests.ports import free_port

BUILT = Path(__file__).parents[3] / "build/matrix/bin/python"
PYTHON = os.environ.get("CRYPITOR_TEST_SYNAPSE", str(BUILT))
SECRET = "of this test alone"
CONFIG = """
server_name: "matrix.test"
listeners:
  - {{port: {port}, bind_addresses: ["127.0.0.1"], type: http, resources: [{{names: [client]}}]}}
database: {{name: sqlite3, args: {{database: "{folder}/homeserver.db"}}}}
media_store_path: "{folder}/media"
signing_key_path: "{folder}/signing.key"
pid_file: "{folder}/pid"
registration_shared_secret: "{secret}"
trusted_key_servers: []
report_stats: false
rc_message: {{per_second: 1000, burst_count: 1000}}
"""


class Room:
    """A room in which one user, who is also the bot, reads and writes."""

    def __init__(self, url: str, token: str, room: str, session: aiohttp.ClientSession) -> None:
        self.token = token
        self.send_url = f"{url}/_matrix/client/v3/rooms/{quote(room, safe='')}/send/m.room.message"
        self._read_url = f"{url}/_matrix/client/v3/rooms/{quote(room, safe='')}/messages?dir=f"
        self._session = session

    async def messages(self) -> list[dict[str, Any]]:
        """Return the content of each message, oldest first."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self._session.get(self._read_url + "&limit=100", headers=headers) as answer:
            told = await answer.json()
        return [one["content"] for one in told["chunk"] if one["type"] == "m.room.message"]


@asynccontextmanager
async def synapse(folder: Path) -> AsyncIterator[Room]:
    """Start a server with a room; it ends with the context."""
    port = free_port()
    config, url = folder / "homeserver.yaml", f"http://127.0.0.1:{port}"
    config.write_text(CONFIG.format(port=port, folder=folder, secret=SECRET))
    start = [PYTHON, "-m", "synapse.app.homeserver", "-c", str(config)]
    await asyncio.to_thread(subprocess.run, [*start, "--generate-keys"], check=True)
    with (folder / "log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(*start, stdout=log, stderr=log)
    try:
        async with aiohttp.ClientSession() as session:
            await _until_up(session, url)
            token = await _registered(session, url)
            headers = {"Authorization": f"Bearer {token}"}
            made = session.post(f"{url}/_matrix/client/v3/createRoom", json={}, headers=headers)
            async with made as answer:
                room = (await answer.json())["room_id"]
            yield Room(url, token, room, session)
    finally:
        server.kill()
        await server.wait()


async def _until_up(session: aiohttp.ClientSession, url: str) -> None:
    until = time.monotonic() + HANG_SECONDS
    while True:
        try:
            async with session.get(f"{url}/_matrix/client/versions") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(0.1)


async def _registered(session: aiohttp.ClientSession, url: str) -> str:
    """Make a user by the secret that both know, and return its token."""
    path = f"{url}/_synapse/admin/v1/register"
    async with session.get(path) as answer:
        nonce = (await answer.json())["nonce"]
    said = b"\x00".join([nonce.encode(), b"bot", b"word", b"notadmin"])
    mac = hmac.new(SECRET.encode(), said, hashlib.sha1).hexdigest()
    body = {"nonce": nonce, "username": "bot", "password": "word", "admin": False, "mac": mac}
    async with session.post(path, json=body) as answer:
        return str((await answer.json())["access_token"])
