"""What `make wheel` makes runs from an empty folder, with nothing of the checkout."""

import os
import re
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from crypitor.cli.beginning import unit
from tests.patience import HANG_SECONDS
from tests.ports import free_port

pytestmark = pytest.mark.live

REPOSITORY = Path(__file__).resolve().parents[2]
VERSION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
WHEEL = REPOSITORY / f"dist/crypitor-{VERSION}-py3-none-any.whl"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The command, of a fresh environment; the dependencies are those of the tests' own."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin/python", "-m", "pip", "-q", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--no-deps", "--no-index", WHEEL], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    # Its own .pth files, of which one leads to the checkout, are not read this way.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n")
    return folder / "bin/crypitor"


@pytest.fixture
def run(installed, tmp_path):
    """Run a command in an empty folder."""

    def run(*words):
        return subprocess.run(
            [installed, *words], cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "CRYPITOR__SERVER__PORT": str(free_port())},
            capture_output=True, text=True, timeout=HANG_SECONDS,
        )  # fmt: skip

    return run


def test_it_is_not_the_checkout(installed, run):
    """The modules are those of the wheel, which knows its commit without asking git."""
    where = [installed.with_name("python"), "-c", "import crypitor; print(crypitor.__file__)"]
    found = subprocess.run(where, cwd="/", capture_output=True, text=True).stdout
    commit = (REPOSITORY / "build/commit").read_text().strip()

    assert found.startswith(str(installed.parents[1]))
    assert f" (commit {commit}, Python " in run("--version").stdout


def test_it_shows_the_demo(run):
    """The whole service, in which all webhooks arrive and are right."""
    done = run("demo", "--seconds", "8")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 with a wrong signature, 0 missing or wrong" in done.stdout


def test_it_begins_and_runs_in_an_empty_folder(installed, run, tmp_path):
    """`init`, then `run`: the schema is made, and the dashboard and the documentation are served."""
    assert run("init").returncode == 0
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "CRYPITOR__SERVER__PORT": str(port),
        "CRYPITOR__NETWORKS__ETHEREUM__RPC": '["http://127.0.0.1:1"]',  # waited for
    }
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [installed, "run"], cwd=tmp_path, env=environ, stdout=log, stderr=log
        ) as process,
    ):
        until = time.monotonic() + HANG_SECONDS
        while (page := answer(port, "/healthz")) is None:
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < until
        docs = answer(port, "/docs")
        links = re.findall(r'(?:src|href)="(/[^"#?]+\.(?:js|css))[?"]', docs)
        files = {link: answer(port, link) for link in links}
        process.terminate()

    assert page
    assert len(files) >= 3
    assert all(files.values()), files.keys()
    assert process.returncode == 0
    assert (tmp_path / "data/crypitor.db").exists()


def test_systemd_accepts_the_unit(installed, tmp_path):
    """Its own verification finds nothing to say of it, whatever is in the paths."""
    file = tmp_path / "crypitor.service"
    file.write_text(unit(installed, Path("/etc/my files/100% $HOME.toml")))
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True)

    assert [line for line in done.stderr.splitlines() if "crypitor" in line] == []


def answer(port, path):
    """The body of an answer; None while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as response:
            return response.read().decode()
    except urllib.error.HTTPError:
        return ""
    except urllib.error.URLError:
        return None
