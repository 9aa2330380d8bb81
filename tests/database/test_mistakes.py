"""What no waiting mends about a SQLite file, told from what may be well later."""

import errno
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from crypitor.database.migrate import migrate, pending
from crypitor.database.mistakes import mistakes_of
from crypitor.errors import ConfigError, DatabaseUnavailable


def text(path):
    path.write_text("not a database, " * 500)


def damaged(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("create table things as select randomblob(4000) as a")
    connection.close()
    content = bytearray(path.read_bytes())
    content[100:4096] = os.urandom(3996)
    path.write_bytes(content)


WRONG = [
    (lambda path: path.mkdir(), "is a folder"),
    (text, "is another kind of file"),
    (damaged, "is damaged"),
]


@pytest.mark.parametrize("command", [migrate, pending])
@pytest.mark.parametrize("make, sentence", WRONG)
async def test_what_cannot_mend_itself_is_a_wrong_configuration(tmp_path, make, sentence, command):
    """It is told once, with what to do, and left as it is."""
    make(tmp_path / "crypitor.db")

    with pytest.raises(ConfigError, match=rf"database\.url: .*crypitor\.db {sentence}"):
        await command(f"sqlite:///{tmp_path}/crypitor.db")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_what_may_not_be_written_is_a_wrong_configuration(tmp_path, number):
    """Whatever keeps this process from it: mode, owner, a file system that is read-only."""
    with (
        pytest.raises(ConfigError, match="may not read and write") as raised,
        mistakes_of(f"sqlite:///{tmp_path}/a.db"),
    ):
        raise DatabaseUnavailable("…") from OSError(number, "no")

    assert "chown" in raised.value.mistakes[0]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "bad"), OSError(errno.ENOTDIR, "")]
)
def test_what_may_be_well_later_is_an_outage(tmp_path, error):
    """A full disk, a cable, a disk that is mounted a moment later."""
    with pytest.raises(DatabaseUnavailable), mistakes_of(f"sqlite:///{tmp_path}/a.db"):
        raise DatabaseUnavailable("…") from error


WORDS = (["run"], ["migrate"], ["key", "list"], ["queue", "dead", "list"])
COMMANDS = [(*WRONG[0], words) for words in WORDS] + [(*one, ["run"]) for one in WRONG[1:]]


@pytest.mark.parametrize("make, sentence, words", COMMANDS)
def test_every_command_ends_with_status_2_and_a_sentence(tmp_path, make, sentence, words):
    """At once, and without a traceback."""
    make(tmp_path / "crypitor.db")
    done = subprocess.run(
        [sys.executable, "-m", "crypitor", *words],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path.cwd()),
            "CRYPITOR__DATABASE__URL": f"sqlite:///{tmp_path}/crypitor.db",
            "CRYPITOR__NETWORKS__ETHEREUM__RPC": "http://127.0.0.1:1",
            "CRYPITOR__SERVER__PORT": "0",
        },
        capture_output=True,
        text=True,
        timeout=100,
    )

    assert done.returncode == 2, done.stderr
    assert re.search(rf"database\.url: .*crypitor\.db {sentence}", done.stderr)
    assert "Traceback" not in done.stderr + done.stdout
