"""The container's own commands, run without a container: no engine is needed for that."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.test_deploy import container

pytestmark = pytest.mark.live

REPOSITORY = Path(__file__).resolve().parents[2]


def test_what_the_container_runs(request):
    """
    Its build steps make a service that starts without rights over its tree, answers its own health
    check, writes to /data alone and ends at SIGTERM.
    """
    folder = Path(tempfile.mkdtemp(prefix="crypitor-image-"))  # pytest's own are for one user
    request.addfinalizer(lambda: shutil.rmtree(folder))
    folder.chmod(0o755)
    root = folder / "image"
    data = root / "data"
    (root / "src").mkdir(parents=True)
    data.mkdir()
    environ, built = {"PATH": os.environ["PATH"]}, False
    # Root's own Python may lie where nobody else may look.
    python = shutil.which("python3", path="/usr/bin" if os.geteuid() == 0 else None)
    assert python is not None, "the test as root needs /usr/bin/python3"
    for word, rest in container():
        if word == "FROM":
            built = " AS " not in rest
        elif word == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            for source in sources:
                at = root / ("src" if not target.startswith("/") else "") / target.lstrip("/")
                copy(REPOSITORY / source, at / source if target == "./" else at)
        elif word == "RUN" and not built and "/opt/" in rest:
            script = rest.replace("/opt/", f"{root}/opt/").replace(
                "python -m venv", f"{python} -m venv"
            )
            subprocess.run(["sh", "-ec", script], cwd=root / "src", check=True, capture_output=True)
        elif word == "ENV":
            pairs = dict(pair.split("=", 1) for pair in shlex.split(rest))
            environ |= {
                name: value.replace("/opt/", f"{root}/opt/") for name, value in pairs.items()
            }
    environ["PATH"] = environ["PATH"].replace("$PATH", os.environ["PATH"])
    port = str(free_port())
    environ |= {"CRYPITOR__SERVER__HOST": "127.0.0.1", "CRYPITOR__SERVER__PORT": port}
    environ["CRYPITOR__NETWORKS__ETHEREUM__RPC"] = '["http://127.0.0.1:1"]'  # waited for
    owner = "nobody" if os.geteuid() == 0 else None
    if owner:
        shutil.chown(data, owner)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [root / "opt/crypitor/bin/crypitor", "run"], cwd=data, env=environ,
            stdout=log, stderr=log, user=owner, group="nogroup" if owner else None, extra_groups=[] if owner else None,
        )  # fmt: skip
        request.addfinalizer(process.kill)
        [check] = [rest for word, rest in container() if word == "HEALTHCHECK"]
        words = re.findall(r'"([^"]+)"', check)
        command = [root / "opt/crypitor/bin/python", root / words[1].lstrip("/")]
        until = time.monotonic() + 60
        while subprocess.run(command, env=environ, capture_output=True).returncode:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)
        process.terminate()
        status = process.wait(30)

    assert status == 0
    assert sorted(path.name for path in data.rglob("*") if path.is_file()) == [
        "admin.key", "crypitor.db", "crypitor.db-owner",
    ]  # fmt: skip
    assert subprocess.run(command, env=environ, capture_output=True).returncode == 1


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)
