"""Where relative paths begin, and which commands make a database."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from crypitor.config import load
from crypitor.config.paths import admin_key_path, counted_from, database_file

REPOSITORY = Path(__file__).parents[1]
FILES = """
[queue]
kind = "kafka"
security = "SSL"
ssl_ca = "ca.pem"
ssl_certificate = "/etc/our.pem"
ssl_key = "keys/our.pem"
"""


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder with an odd name beside the current one."""
    (tmp_path / "here").mkdir()
    folder = tmp_path / "50% of #1?"
    folder.mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def loaded(folder, text="", **environ):
    (folder / "config.toml").write_text(text)
    return load(folder / "config.toml", environ)


def test_the_database_is_beside_its_configuration(elsewhere):
    """As written, as left out, and as the environment says; an absolute path stays."""
    for config, path in (
        (loaded(elsewhere), elsewhere / "data/crypitor.db"),
        (loaded(elsewhere, '[database]\nurl = "sqlite:///x.db"'), elsewhere / "x.db"),
        (loaded(elsewhere, CRYPITOR__DATABASE__URL="sqlite:///../y.db"), elsewhere / "../y.db"),
        (loaded(elsewhere, CRYPITOR__DATABASE__URL="sqlite:////z/z.db"), Path("/z/z.db")),
    ):
        assert database_file(config) == path
        assert admin_key_path(config) == path.with_name("admin.key")


def test_so_are_the_other_files_that_it_names(elsewhere):
    """Certificates of the brokers and of PostgreSQL, and the admin key of a server's database."""
    config = loaded(
        elsewhere, FILES,
        CRYPITOR__DATABASE__URL="postgresql://u:p%40@h/n?sslrootcert=pg.pem&sslmode=verify-full",
    )  # fmt: skip
    queue = config.queue

    assert queue.ssl_ca == str(elsewhere / "ca.pem")
    assert queue.ssl_certificate == "/etc/our.pem"
    assert queue.ssl_key == str(elsewhere / "keys/our.pem")
    assert admin_key_path(config, {}) == elsewhere / "data/admin.key"
    assert admin_key_path(config, {"STATE_DIRECTORY": "/var/lib/crypitor"}) == Path(
        "/var/lib/crypitor/data/admin.key"
    )
    url, _, options = config.database.url.get_secret_value().partition("?")
    assert url == "postgresql://u:p%40@h/n"
    assert parse_qs(options) == {
        "sslrootcert": [str(elsewhere / "pg.pem")], "sslmode": ["verify-full"],
    }  # fmt: skip


def test_without_a_file_paths_count_from_the_current_folder(elsewhere):
    """And with one that lies there they stay as they are written."""
    here = Path.cwd()

    assert database_file(load(None, {})) == Path("data/crypitor.db")
    assert database_file(loaded(here)) == Path("data/crypitor.db")
    assert counted_from(load(None, {}), here) == load(None, {})


@pytest.fixture
def crypitor(tmp_path):
    """Run a command in a folder of its own, with a configuration in another one."""
    place = tmp_path / "conf"
    place.mkdir()
    (place / "config.toml").write_text("")
    (tmp_path / "here").mkdir()

    def run(*words, **environ):
        return subprocess.run(
            [sys.executable, "-m", "crypitor", *words], cwd=tmp_path / "here", timeout=30,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "120",
                 "CRYPITOR_CONFIG": "../conf/config.toml", **environ},
            capture_output=True, text=True,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    "words",
    [
        ["key", "list"],
        ["key", "create", "--name", "x"],
        ["key", "revoke", "ke_x"],
        ["queue", "dead", "list"],
        ["queue", "dead", "show", "1"],
        ["queue", "dead", "delete", "1"],
    ],
)
def test_other_commands_make_no_database(crypitor, tmp_path, words):
    """They say where there is none, and leave nothing behind, with status 1."""
    done = crypitor(*words)

    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no database at SQLite {tmp_path}" in done.stderr
    assert "conf/data/crypitor.db" in done.stderr
    assert "crypitor run" in done.stderr
    assert sorted(tmp_path.rglob("*")) == [
        tmp_path / "conf", tmp_path / "conf/config.toml", tmp_path / "here",
    ]  # fmt: skip


def test_an_empty_file_is_no_database(crypitor, tmp_path):
    """It is not filled by who only asks."""
    (tmp_path / "conf/data").mkdir()
    (tmp_path / "conf/data/crypitor.db").touch()
    done = crypitor("key", "list")

    assert "there is no database at" in done.stderr
    assert (tmp_path / "conf/data/crypitor.db").read_bytes() == b""


def test_every_command_means_the_same_database(crypitor, tmp_path):
    """Made from one folder, it is used from another; one that is left behind is told of."""
    made = crypitor("migrate")
    key = crypitor(
        "key", "create", "--name", "x", CRYPITOR_CONFIG=str(tmp_path / "conf/config.toml")
    )
    os.renames(tmp_path / "conf/data", tmp_path / "here/data")
    gone, again = crypitor("key", "list"), crypitor("migrate")

    assert (made.returncode, made.stderr, key.returncode) == (0, "", 0)
    assert f"There is one at {tmp_path}/here/data/crypitor.db" in gone.stderr
    assert f"There is one at {tmp_path}/here/data/crypitor.db" in again.stderr
    assert again.stdout.startswith("applied: ")
    assert (tmp_path / "conf/data/crypitor.db").is_file()


def test_a_key_that_cannot_be_kept_is_a_sentence(crypitor, tmp_path):
    """It would be shown once and lost: the start ends with status 2, and nothing has been let in."""
    (tmp_path / "conf/data").mkdir()
    (tmp_path / "conf/data/admin.key.crypitor.db.new").mkdir()
    done = crypitor(
        "run", CRYPITOR__NETWORKS__DEV__CHAIN_ID="1337", CRYPITOR__SERVER__PORT="0",
        CRYPITOR__NETWORKS__DEV__RPC="http://127.0.0.1:1",
    )  # fmt: skip

    assert done.returncode == 2
    assert "api.admin_key" in done.stderr
    assert "CRYPITOR__API__ADMIN_KEY" in done.stderr
    assert "Traceback" not in done.stderr
