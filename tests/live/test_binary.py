"""What `make binary` makes runs where there is no Python, no checkout and nothing to write to."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.conftest import postgres_database
from tests.patience import HANG_SECONDS

pytestmark = pytest.mark.live

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = REPOSITORY / "dist/crypitor/crypitor"


def run(folder, *words, **environ):
    return subprocess.run(
        [BINARY, *words], cwd=folder, env={"PATH": "/nowhere", "TERM": "dumb", **environ},
        capture_output=True, text=True, timeout=HANG_SECONDS,
    )  # fmt: skip


def test_it_tells_its_version(tmp_path):
    """The one of pyproject.toml."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    assert run(tmp_path, "--version").stdout == f"crypitor {project['version']}\n"


def test_it_shows_the_demo(tmp_path):
    """The whole service, in which all webhooks arrive and are right."""
    done = run(tmp_path, "demo", "--seconds", "8")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 with a wrong signature, 0 missing or wrong" in done.stdout


async def test_it_brings_both_databases_to_the_newest_schema(tmp_path):
    """The migrations and the drivers are in it."""
    shipped = sorted((REPOSITORY / "migrations/versions").glob("*.py"))
    async with postgres_database() as url:
        postgresql = run(tmp_path, "migrate", CRYPITOR__DATABASE__URL=url)
    sqlite = run(tmp_path, "migrate")

    applied = f"applied: {', '.join(path.name[:4] for path in shipped)}\n"
    assert (postgresql.stdout, sqlite.stdout) == (applied, applied)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
