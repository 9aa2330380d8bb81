"""A service that has little, and what looks at it from outside."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import aiohttp

from tests.rig import ADMIN_KEY, Service
from tests.tls import certificate

OPEN_FILES = 400
"""As few as a service of many endpoints can live with: connections could take them all."""

PROBE = """
import http.client, ssl, sys, time
port, pid, scheme = sys.argv[1:]
def processor():
    with open(f"/proc/{pid}/task/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9
while True:
    began, used = time.monotonic(), processor()
    try:
        if scheme == "https":
            anybody = ssl._create_unverified_context()
            asked = http.client.HTTPSConnection("127.0.0.1", int(port), timeout=30, context=anybody)
        else:
            asked = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
        asked.request("GET", "/healthz"); status = asked.getresponse().status; asked.close()
    except OSError:
        status = 0
    print(time.monotonic() - began, processor() - used, status, flush=True)
    time.sleep(0.02)
"""
"""In a process of its own: one that attacks would time itself."""


STARTED = """
import asyncio, functools, os, resource, runpy, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))
if timed:
    sys.modules["uvloop"] = None
    held, run, now = open("held", "a", buffering=1), asyncio.events.Handle._run, time.thread_time
    def timed_run(handle):
        began = now()
        run(handle)
        if now() - began > 0.02:
            print(now() - began, repr(handle)[:2000].replace(chr(10), " "), file=held)
    asyncio.events.Handle._run = timed_run
runpy.run_module("crypitor", run_name="__main__", alter_sys=True)
"""
"""The command with few descriptors. timed: on asyncio's own loop, noting each callback that has the
processor for long: that is what holds the loop, whatever else the machine does."""


class Cramped(Service):
    """A service that may open few files. timed: whether it notes what holds its loop."""

    timed = False

    async def _begin(self, words):
        started = f"open_files, timed = {OPEN_FILES}, {self.timed}\n{STARTED}"
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-c", started, *words,
                cwd=self.folder, env=self.environ, stdout=log, stderr=log,
            )  # fmt: skip

    scheme = "http"

    def resident(self) -> float:
        """Return its memory in MB."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def held(self) -> list[tuple[float, str]]:
        """Return what has held its loop until now: seconds of the processor, and what it was."""
        path = self.folder / "held"
        lines = path.read_text().splitlines() if path.exists() else []
        return [
            (float(seconds), what) for seconds, _, what in (one.partition(" ") for one in lines)
        ]


class Timed(Cramped):
    """One that notes what holds its loop."""

    timed = True


class Encrypted(Cramped):
    """One with a certificate of its own, by an authority that nobody asks for."""

    scheme = "https"

    def __init__(self, folder, settings):
        chain = str(certificate(folder).chain)
        tls = {"CRYPITOR__SERVER__TLS_CERTIFICATE": chain, "CRYPITOR__SERVER__TLS_KEY": chain}
        super().__init__(folder, {**settings, **tls})
        self.url = f"https://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def api(self):
        async with aiohttp.ClientSession(
            self.url,
            headers={"Authorization": f"Bearer {ADMIN_KEY}"},
            connector=aiohttp.TCPConnector(ssl=False),
        ) as session:
            yield session
