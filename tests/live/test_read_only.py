"""A file system that is mounted read-only: told as what it is by whatever would write there."""

import sys

import pytest

from tests.live.namespaces import inside
from tests.ports import free_port

pytestmark = pytest.mark.live

TOLD = "is on a file system that is mounted read-only: mount it for writing"
SCRIPT = """cd "$1"; mount -t tmpfs tmpfs "$1"; cd "$1"; shift
if [ "$1" = used ]; then "$2" -m crypitor migrate >/dev/null || exit 9; fi; shift
touch config.toml; mount -o remount,ro "$PWD" || exit 8
python=$1; shift; exec "$python" -m crypitor "$@"
"""


@pytest.mark.parametrize(
    "before, command, status",
    [
        ("new", "run", 2),
        ("new", "migrate", 2),
        ("new", "check", 1),
        ("used", "run", 2),
        ("used", "key list", 2),
        ("used", "check", 1),
    ],
)
def test_it_is_told_by_every_command(tmp_path, before, command, status):
    """With the same sentence, whether or not the database is there already."""
    done = inside(
        SCRIPT,
        tmp_path,
        before,
        sys.executable,
        *command.split(),
        CRYPITOR__NETWORKS__DEV__RPC=f'["http://127.0.0.1:{free_port()}"]',
        CRYPITOR__NETWORKS__DEV__CHAIN_ID="1337",
        CRYPITOR__SERVER__PORT=str(free_port()),
    )

    said = " ".join((done.stdout + done.stderr).split())
    assert (done.returncode, said.count(TOLD)) == (status, 1), said
    assert "Traceback" not in said
