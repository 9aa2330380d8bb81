"""`crypitor init`: the first configuration, and a unit for it."""

import configparser
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from crypitor.cli.beginning import barrier, obstacles, unit
from crypitor.config import load
from tests.patience import HANG_SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def crypitor(tmp_path):
    """Run a command in an empty folder."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "crypitor", *words],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True, text=True, timeout=HANG_SECONDS,
        )  # fmt: skip

    return run


def settings(text):
    """The sections of a unit; a key that stands twice has both values, a line each."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    return parser


def test_it_writes_the_configuration_with_every_key(crypitor, tmp_path):
    """The one of the repository, which the service then reads."""
    done = crypitor("init")

    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "config.toml") in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
    assert (tmp_path / "config.toml").read_text() == (REPOSITORY / "config.toml").read_text()
    ours, theirs = (load(folder / "config.toml", {}) for folder in (tmp_path, REPOSITORY))
    places = {"folder": True, "database": {"url"}}  # a relative one counts from the file
    assert ours.model_dump(exclude=places) == theirs.model_dump(exclude=places)


@pytest.mark.parametrize("content", ["", "[log]\nlevel = 'debug'\n"])
def test_it_never_writes_over_a_file(crypitor, tmp_path, content):
    """It says that there is one, and what to do."""
    (tmp_path / "config.toml").write_text(content)

    done = crypitor("init")

    assert done.returncode == 1
    assert f"{tmp_path}/config.toml is there already" in done.stderr
    assert "--config" in done.stderr
    assert (tmp_path / "config.toml").read_text() == content


def test_it_does_not_follow_a_link_to_nothing(crypitor, tmp_path):
    """A link is somebody's as much as a file."""
    (tmp_path / "config.toml").symlink_to(tmp_path / "elsewhere")

    assert crypitor("init").returncode == 1
    assert not (tmp_path / "elsewhere").exists()


def test_it_writes_where_it_is_told(crypitor, tmp_path):
    """With the folders above it."""
    assert crypitor("init", "--config", "etc/crypitor/own.toml").returncode == 0
    assert load(tmp_path / "etc/crypitor/own.toml", {})


def test_it_says_where_it_cannot_write(crypitor, tmp_path):
    """A file in the place of a folder, as an example."""
    (tmp_path / "etc").write_text("")

    done = crypitor("init", "--config", "etc/config.toml")

    assert done.returncode == 1
    assert done.stderr.startswith(f"crypitor: {tmp_path}/etc/config.toml cannot be written: ")


def test_it_prints_a_unit_with_the_paths_of_this_machine(crypitor, tmp_path):
    """On standard output nothing but the unit: it can be sent into a file."""
    done = crypitor("init", "--systemd")

    service = settings(done.stdout)["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert done.returncode == 0
    assert words == ["run", "--config", str(tmp_path / "config.toml")]
    assert program == str(Path(sys.executable).with_name("crypitor"))
    assert service["EnvironmentFile"] == f"-{tmp_path}/environment"
    assert (tmp_path / "config.toml").exists()
    assert "wrote" in done.stderr


def test_the_unit_can_be_had_again(crypitor, tmp_path):
    """A configuration that is there stays."""
    (tmp_path / "config.toml").write_text("# mine\n")

    done = crypitor("init", "--systemd")

    assert done.returncode == 0
    assert "ExecStart=" in done.stdout
    assert "stays" in done.stderr
    assert (tmp_path / "config.toml").read_text() == "# mine\n"


def test_all_else_of_the_unit_is_the_shipped_one():
    """For the paths of docs/deployment.md it is exactly that file."""
    shipped = (REPOSITORY / "deploy/crypitor.service").read_text()

    assert unit(Path("/opt/crypitor/bin/crypitor"), Path("/etc/crypitor/config.toml")) == shipped


@pytest.mark.parametrize(
    "config", ["/etc/my files/config.toml", "/etc/100%/config.toml", '/etc/a"b$c\\d/config.toml']
)
def test_systemd_reads_the_paths_as_they_are(tmp_path, config):
    """Spaces, quotes, $ and % are written as systemd.service(5) and systemd.unit(5) say."""
    text = unit(Path("/opt/crypitor/bin/crypitor"), Path(config))

    line = settings(text)["Service"]["ExecStart"]
    words = shlex.split(line.replace("%%", "%").replace("$$", "$"))
    assert words == ["/opt/crypitor/bin/crypitor", "run", "--config", config]


@pytest.mark.parametrize("home", ["/home/ada/crypitor", "/root/crypitor"])
def test_a_program_in_a_home_can_be_seen(home):
    """ProtectHome=yes would hide it."""
    text = unit(Path(home, "bin/crypitor"), Path("/etc/crypitor/config.toml"))

    assert settings(text)["Service"]["ProtectHome"] == "read-only"


@pytest.fixture
def open_folder():
    """A folder that everybody may look into, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_everybody_can_read_what_is_open(open_folder):
    """Then nothing is in the way."""
    file = open_folder / "config.toml"
    file.write_text("")
    file.chmod(0o644)

    assert barrier(file) is None


def test_a_file_or_a_folder_may_be_in_the_way(open_folder):
    """The outermost is named: whoever opens it sees what is next."""
    file = open_folder / "closed/config.toml"
    file.parent.mkdir(mode=0o755)
    file.write_text("")
    file.chmod(0o640)

    assert barrier(file) == file
    file.parent.chmod(0o700)
    assert barrier(file) == file.parent


def test_it_tells_what_the_services_user_cannot_read():
    """With what to do: a file for its owner alone, and one in the /tmp that the service has its own of."""
    told = list(obstacles(Path("/etc/shadow"), Path("/tmp/crypitor")))

    assert "cannot read /etc/shadow: chmod o+rX /etc/shadow" in told[0]
    assert "does not see /tmp/crypitor: move it" in told[1]
