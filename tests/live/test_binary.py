"""What `make binary` makes runs where there is no Python, no checkout and nothing to write to."""

import asyncio
import hashlib
import json
import os
import re
import resource
import subprocess
import tomllib
import zipfile
from pathlib import Path

import certifi
import pytest

from tests.conftest import postgres_database
from tests.live.namespaces import in_root
from tests.patience import HANG_SECONDS
from tests.ports import free_port
from tests.tls import certificate, tls_server

pytestmark = pytest.mark.live

REPOSITORY = Path(__file__).resolve().parents[2]
DIST = REPOSITORY / "dist"
FOLDER = DIST / "crypitor"
VERSION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
ONE_FILE = DIST / f"crypitor-{VERSION}-linux-{os.uname().machine}"
WHEEL = DIST / f"crypitor-{VERSION}-py3-none-any.whl"
MOST_BYTES, MOST_FOLDER_BYTES = 45_000_000, 100_000_000


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where the one file unpacks itself, once for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(params=["folder", "one file"])
def program(request):
    return FOLDER / "crypitor" if request.param == "folder" else ONE_FILE


@pytest.fixture
def run(program, cache, tmp_path):
    """Run a command in an empty folder."""

    def run(*words, **environ):
        return subprocess.run(
            [program, *words], cwd=tmp_path,
            env={
                "PATH": "/nowhere", "TERM": "dumb", "CRYPITOR_CACHE": str(cache),
                "CRYPITOR__SERVER__PORT": str(free_port()), **environ,
            },
            capture_output=True, text=True, timeout=HANG_SECONDS,
        )  # fmt: skip

    return run


def test_it_tells_its_version(run):
    """The one of pyproject.toml, with the commit that it was made from."""
    commit = (REPOSITORY / "build/commit").read_text().strip()

    assert re.fullmatch(
        rf"crypitor {VERSION} \(commit {commit}, Python 3\.\d+\.\d+, SQLite 3\.\d+\.\d+\)\n",
        run("--version").stdout,
    )


def test_it_shows_the_demo(run):
    """The whole service, in which all webhooks arrive and are right."""
    done = run("demo", "--seconds", "8")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 with a wrong signature, 0 missing or wrong" in done.stdout


def test_it_shows_the_demo_through_kafka(run, kafka, prefix):
    """The client of the brokers is in it, with what it compresses."""
    done = run(
        "demo", "--seconds", "8", "--queue", "kafka", CRYPITOR__QUEUE__REPLICAS="1",
        CRYPITOR__QUEUE__BOOTSTRAP_SERVERS=json.dumps(kafka.servers),
        CRYPITOR__QUEUE__TOPIC_PREFIX=prefix,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 with a wrong signature, 0 missing or wrong" in done.stdout


async def test_it_brings_both_databases_to_the_newest_schema(run, tmp_path):
    """The migrations and the drivers are in it."""
    shipped = sorted((REPOSITORY / "migrations/versions").glob("*.py"))
    async with postgres_database() as url:
        postgresql = run("migrate", CRYPITOR__DATABASE__URL=url)
    sqlite = run("migrate")

    applied = f"applied: {', '.join(path.name[:4] for path in shipped)}\n"
    assert (postgresql.stdout, sqlite.stdout) == (applied, applied)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_it_begins_with_a_configuration(run, program, tmp_path):
    """The one of the repository; the unit starts the file that was called, not what it unpacked."""
    done = run("init", "--systemd")

    assert (tmp_path / "config.toml").read_text() == (REPOSITORY / "config.toml").read_text()
    assert f"ExecStart={program} run --config {tmp_path}/config.toml\n" in done.stdout


def processor_seconds(command, cache):
    """The least that a start takes of the processor, of several."""
    environ = {"PATH": "/nowhere", "CRYPITOR_CACHE": str(cache)}

    def once():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([command, "--version"], env=environ, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    return min(once() for _ in range(6))


def test_the_one_file_starts_as_quickly_as_the_folder(cache):
    """Once it is unpacked, even the shortest command takes at most a fifth more."""
    processor_seconds(ONE_FILE, cache)

    assert processor_seconds(ONE_FILE, cache) < 1.2 * processor_seconds(FOLDER / "crypitor", cache)


def test_every_module_of_ours_is_in_it():
    """Those of the wheel, whoever imports them, and its files that are no modules."""
    packed = json.loads((REPOSITORY / "build/binary/work/crypitor/sources.json").read_text())
    ours = {path.partition("/site-packages/")[2] for path in packed}
    with zipfile.ZipFile(WHEEL) as wheel:
        needed = {name for name in wheel.namelist() if name.startswith("crypitor/")}

    assert len(needed) > 300
    assert needed - ours == set()


def test_they_are_as_small_as_promised():
    """The file is copied over slow lines, the folder lies on small disks."""
    folder = sum(path.lstat().st_size for path in FOLDER.rglob("*") if not path.is_dir())

    assert ONE_FILE.stat().st_size < MOST_BYTES
    assert folder < MOST_FOLDER_BYTES


def test_the_sums_are_those_of_the_files():
    """The wheel, the file and the list of what is in it."""
    lines = (DIST / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}

    assert len(sums) == 3
    assert ONE_FILE.name in sums
    for name, digest in sums.items():
        assert hashlib.sha256((DIST / name).read_bytes()).hexdigest() == digest


def test_the_list_of_what_is_in_it_is_whole():
    """Every package whose code or licence is in the folder stands in the list, with its version."""
    document = json.loads((DIST / f"{ONE_FILE.name}.cdx.json").read_text())
    listed = {part["name"]: part.get("version") for part in document["components"]}
    folders = {path.name for path in (FOLDER / "_internal").glob("*.dist-info")}
    locked = dict(
        re.findall(
            r"^([a-z0-9-]+)==(\S+)", (REPOSITORY / "requirements/run.txt").read_text(), re.MULTILINE
        )
    )

    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["version"] == VERSION
    assert folders
    for folder in folders:
        name, version = folder.removesuffix(".dist-info").split("-")
        assert listed[name.replace("_", "-").lower()] == version
    for needed in ("aiohttp", "asyncpg", "aiokafka", "cryptography", "web3", "uvloop", "certifi"):
        assert listed[needed] == locked[needed]
    assert {"python"} <= set(listed)
    assert {"pyinstaller", "pip", "hatchling", "pytest"} & set(listed) == set()


@pytest.mark.parametrize(
    "place",
    [
        "etc/ssl/certs/ca-certificates.crt",  # Debian
        "etc/pki/tls/certs/ca-bundle.crt",  # Fedora
        "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL
        "etc/ssl/ca-bundle.pem",  # SUSE
        "etc/ssl/cert.pem",  # Alpine
        None,
    ],
)
async def test_it_trusts_whom_the_system_trusts(tmp_path, place):
    """
    A node whose certificate the system vouches for is asked, wherever the system keeps that; where
    it keeps none, our own authority is unknown, but those of the world are not.
    """
    root, served, heard = tmp_path / "root", certificate(tmp_path), []
    if place:
        (root / place).parent.mkdir(parents=True)
        (root / place).write_bytes(served.authority)
    async with tls_server(served, heard) as port:
        environ = {"CRYPITOR__NETWORKS__ETHEREUM__RPC": f'["https://127.0.0.1:{port}"]'}
        done = await asyncio.to_thread(
            in_root, root, FOLDER, "/program/crypitor", "check", **environ
        )

    assert bool(heard) == bool(place), done.stdout + done.stderr
    assert ("certificate" in done.stdout) == (not place)
    bundle = FOLDER / "_internal/certifi/cacert.pem"
    assert bundle.read_bytes() == Path(certifi.where()).read_bytes()
