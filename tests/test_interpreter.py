"""The Python of the binary: what it is made from is known, or it is not made."""

import importlib.util
import subprocess
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

FILE = Path(__file__).resolve().parents[1] / "deploy/binary/interpreter.py"
SPEC = importlib.util.spec_from_file_location("interpreter", FILE)
interpreter = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(interpreter)

APT = """Debian|http://mirror/debian/
Debian|http://mirror/debian/
Debian|http://mirror/debian-security/
|https://packages.example/
Google, Inc.|https://cloud.example/apt/
"""
SERIES = """deb-locations.diff
#lto-link-flags.diff
CVE-2025-6069.patch
multiarch.diff
ssl-sni-crash.patch
CVE-2025-8194.patch
"""


def test_it_asks_the_mirrors_of_debian():
    """Each once, and nobody else."""
    assert interpreter.mirrors(APT) == ["http://mirror/debian/", "http://mirror/debian-security/"]


def test_it_takes_the_patches_that_mend_faults():
    """In their order, and none that puts files where Debian wants them."""
    assert interpreter.fixes(SERIES.splitlines()) == [
        "CVE-2025-6069.patch", "ssl-sni-crash.patch", "CVE-2025-8194.patch"
    ]  # fmt: skip


@pytest.fixture
def mirror():
    """A mirror that answers with a status, and with bytes that nobody looked at."""
    answers = []

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answers[0])
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"other")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Mirror) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield answers, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("status", [HTTPStatus.NOT_FOUND, HTTPStatus.OK])
def test_what_a_mirror_does_not_have_or_has_otherwise_is_told(mirror, tmp_path, status):
    """With the name of the archive, and what to do."""
    answers, url = mirror
    answers.append(status)
    with pytest.raises((interpreter.Trouble, FileNotFoundError)) as told:
        interpreter.fetch(interpreter.FIXES, tmp_path, [url])

    if interpreter.HELPER.exists():
        assert interpreter.FIXES in str(told.value)
        assert "make interpreter SOURCES=FOLDER" in str(told.value)
    else:
        assert isinstance(told.value, FileNotFoundError)


def made(*sources):
    return subprocess.run(
        [sys.executable, FILE, *sources], capture_output=True, text=True, check=False
    )


def test_another_archive_is_not_compiled(tmp_path):
    """One sentence says which, and nothing is made."""
    for name in interpreter.SHA256:
        (tmp_path / name).write_bytes(b"other")
    done = made(tmp_path / "python", tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith(f"{tmp_path / interpreter.RELEASE} is another one: its SHA-256 ")
    assert not (tmp_path / "python").exists()


def test_a_folder_without_the_archives_is_told(tmp_path):
    """By the name that is wanted."""
    assert made(tmp_path / "python", tmp_path).stderr == (
        f"{tmp_path} has no {interpreter.RELEASE}\n"
    )
