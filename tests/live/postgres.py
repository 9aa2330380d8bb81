"""A throw-away PostgreSQL: `python tests/live/postgres.py COMMAND…` runs the command beside one.

The command finds it in CRYPITOR_TEST_POSTGRES. The cluster lives in a temporary folder, listens on
a free local port only, and is gone afterwards. PostgreSQL refuses to run as root, so root runs it
as the user `postgres`.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

OPTIONS = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off "
    "-c max_connections=200 -c listen_addresses=127.0.0.1"
)


def binaries() -> Path:
    """Return the folder of initdb and pg_ctl."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not installed:
        raise SystemExit(
            "PostgreSQL is not installed: pg_ctl is neither on PATH nor in /usr/lib/postgresql"
        )
    return installed[-1].parent


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """Run a new cluster; yields the URL of its superuser."""
    folder = Path(tempfile.mkdtemp(prefix="crypitor-postgres-"))
    as_root = os.geteuid() == 0
    if as_root:
        shutil.chown(folder, "postgres", "postgres")

    def run(*command: object) -> None:
        words = [str(word) for word in command]
        if as_root:
            words = ["runuser", "-u", "postgres", "--", *words]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")

    port = free_port()
    try:
        run(
            binaries() / "initdb",
            "-D",
            folder / "data",
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        )
        options = f"{OPTIONS} -p {port} -k {folder}"
        run(
            binaries() / "pg_ctl",
            "-D",
            folder / "data",
            "-l",
            folder / "log",
            "-w",
            "-o",
            options,
            "start",
        )
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            run(binaries() / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    with cluster() as url:
        done = subprocess.run(sys.argv[1:], env={**os.environ, "CRYPITOR_TEST_POSTGRES": url})
    sys.exit(done.returncode)
