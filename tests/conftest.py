"""What tests of several folders need: a database of their own, on each database that is there."""

import asyncio
import gc
import os
import shutil
import signal
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from crypitor.database.engine import Database
from crypitor.database.migrate import migrate
from tests import recorded
from tests.canaries import leaks

# It comes with web3, which some tests use, and lets Python recurse 100,000 deep: nested JSON, which
# others send, would then overflow the C stack.
_usual = sys.getrecursionlimit()
import py_ecc  # noqa: E402, F401

sys.setrecursionlimit(_usual)

POSTGRES = os.environ.get("CRYPITOR_TEST_POSTGRES")
"""URL of a cluster whose user may create databases; set by tests.live.postgres."""

# Programs that a test starts start twice as fast from bytecode, whatever the shell asks for, and
# faster still without the certificates of the world, of which no test may trust one.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["SSL_CERT_FILE"] = os.environ["SSL_CERT_DIR"] = os.devnull

# A shell lets what it starts in the background ignore Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# So does `nohup` with SIGHUP. A handler, unlike what is ignored, is not inherited.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

MEMORY, ROOM_BYTES = Path("/dev/shm"), 4 << 30

# Files of tests are in memory where there is room: to wait for the disk at each of some twenty
# thousand commits shows nothing, as no test cuts the power.
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

DIALECTS = [
    "sqlite",
    *([pytest.param("postgresql", marks=pytest.mark.live)] if POSTGRES else []),
]


# A slow machine is no failure: neither of an example nor of making one.
settings.register_profile("slow", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("slow")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name in one line what was left out."""
    parts = []
    if not recorded.ALL_ARE_THERE:
        parts.append(
            f"{recorded.ALL_COUNT - recorded.OUR_COUNT} of {recorded.ALL_COUNT} recorded blocks"
            f" ({recorded.SHARED / 'data'} is absent, see CRYPITOR_SHARED)"
        )
    reasons: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        reasons.setdefault(str(reason).removeprefix("Skipped: "), []).append(report.nodeid)
    parts += [f"{', '.join(names)} ({reason})" for reason, names in reasons.items()]
    if parts:
        terminalreporter.write_line(f"left out: {'; '.join(parts)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Fail a test that has put out a secret, of whatever kind has a form."""
    report = yield
    if report.when == "teardown" and report.passed:
        found = [line for _, text in report.sections for line in leaks(text)]
        if found:
            report.outcome = "failed"
            report.longrepr = "\n".join(["a secret was put out:", *found])
    return report


def pytest_collection_finish() -> None:
    """Leave what is there before the first test out of the search for garbage, a seventh of the work."""
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def postgres_database(template: str = "template0") -> AsyncIterator[str]:
    """Create a database, yield its URL, and drop it, whoever still uses it."""
    name = f"crypitor_{uuid.uuid4().hex}"
    admin = await asyncpg.connect(POSTGRES)
    try:
        await admin.execute(f"create database {name} template {template}")
        try:
            yield urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()
        finally:
            await admin.execute(f"drop database {name} with (force)")
    finally:
        await admin.close()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite file with the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "crypitor.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgresql() -> Iterator[str]:
    """Return the name of a PostgreSQL database with the newest schema, to be copied."""
    with asyncio.Runner() as runner:
        creation = postgres_database()
        url = runner.run(creation.__aenter__())
        runner.run(migrate(url))
        yield urlsplit(url).path.removeprefix("/")
        runner.run(creation.__aexit__(None, None, None))


@pytest.fixture(params=DIALECTS)
async def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Return the URL of a database without any schema; on SQLite the file is not there yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/folder/crypitor.db"
        return
    async with postgres_database() as url:
        yield url


@pytest.fixture(params=DIALECTS)
def migrated(request: pytest.FixtureRequest) -> Path | str:
    """Return what `database_url` copies: a SQLite file, or the name of a PostgreSQL database."""
    return request.getfixturevalue(f"migrated_{request.param}")


@pytest.fixture
async def database_url(migrated: Path | str, tmp_path: Path) -> AsyncIterator[str]:
    """Return the URL of a database with the newest schema and no rows."""
    if isinstance(migrated, Path):
        shutil.copy(migrated, tmp_path / "crypitor.db")
        yield f"sqlite:///{tmp_path}/crypitor.db"
        return
    async with postgres_database(migrated) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Return an open database with the newest schema and no rows."""
    async with Database.open(database_url) as database:
        yield database
