"""A throw-away PostgreSQL: `python -m tests.live.postgres COMMAND…` runs the command beside one.

The command finds it in CRYPITOR_TEST_POSTGRES. The cluster lives in a temporary folder, listens on
a free local port only, and is gone afterwards. PostgreSQL refuses to run as root, so root runs it
as the user `postgres`.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.ports import free_port

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


class Cluster:
    """A cluster in a folder of its own.

    options: on the command line of the server, on top of ours.
    """

    def __init__(self, folder: Path, options: str = "") -> None:
        self.folder = folder
        self._port = free_port()
        self._options = f"{OPTIONS} -p {self._port} -k {folder} {options}"
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        self._run(
            "initdb", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"
        )

    def start(self) -> None:
        """Start it with what it has; return when it takes connections."""
        self._run("pg_ctl", "-l", self.folder / "log", "-w", "-o", self._options, "start")

    def cut(self) -> None:
        """End it at once: sessions are lost, and the next start has to recover."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *words: object) -> None:
        command = [str(binaries() / program), "-D", str(self.folder / "data"), *map(str, words)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def cluster(options: str = "") -> Iterator[Cluster]:
    """Run a new cluster; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="crypitor-postgres-"))
    try:
        server = Cluster(folder, options)
        server.start()
        try:
            yield server
        finally:
            server.cut()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    with cluster() as server:
        done = subprocess.run(
            sys.argv[1:], env={**os.environ, "CRYPITOR_TEST_POSTGRES": server.url}
        )
    sys.exit(done.returncode)
