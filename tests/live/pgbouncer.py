"""A throw-away PgBouncer before a PostgreSQL. It refuses to run as root, which makes it `postgres`."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from tests.ports import free_port

SETTINGS = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
logfile = {folder}/log
pidfile = {folder}/pid
{more}
"""


@contextlib.contextmanager
def pgbouncer(
    server: str, mode: str, more: str = "", *, port: int = 0, size: int = 0
) -> Iterator[str]:
    """Run one before the server of a URL; gives the URL of the same database through it.

    size: how many sessions it may have, of each database and user.
    """
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    parts = urlsplit(server)
    folder, port = Path(tempfile.mkdtemp(prefix="crypitor-pgbouncer-")), port or free_port()
    (folder / "ini").write_text(
        SETTINGS.format(
            server=parts.port,
            port=port,
            mode=mode,
            folder=folder,
            more=more,
            # Of a session each client needs one of its own; of a transaction some serve all.
            size=size or (20 if mode == "session" else 3),
        ).replace("* =", f"* = user={parts.username}")
    )
    command = [program, str(folder / "ini")]
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        command = ["runuser", "-u", "postgres", "--", *command]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _until_it_listens(port, process, folder)
            yield f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}"
        finally:
            process.terminate()
            process.wait(30)
            shutil.rmtree(folder)


def _until_it_listens(port: int, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    import socket

    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    log = folder / "log"
    raise SystemExit(f"PgBouncer did not start: {log.read_text() if log.exists() else 'no log'}")


async def unit_settings(tx) -> dict[str, str]:
    """Return what holds for the statements of a unit of work."""
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "jit")
    return {name: await tx.value(f"select current_setting('{name}')") for name in names}


async def run(url: str, sql: str) -> None:
    """Run statements beside the service."""
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(sql)
    finally:
        await admin.close()
