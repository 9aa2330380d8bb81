"""The launcher of the one-file program, around a small program of the test's own."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.namespaces import inside
from tests.patience import HANG_SECONDS

pytestmark = pytest.mark.live

REPOSITORY = Path(__file__).resolve().parents[2]
ONE_FILE = REPOSITORY / "deploy/binary/onefile.py"
PROGRAM = """#!/bin/sh
echo "$$" "$CRYPITOR_PROGRAM" "$@"
cat "${0%/*}/lib/word"
case "$1" in
  end) exit "$2" ;;
  wait) read -r line ;;
esac
"""
BULK_BYTES = 24_000_000
"""Enough to be killed while it is written."""


@dataclass(frozen=True)
class Built:
    """file: the program. name: of the directory that it unpacks."""

    file: Path
    name: str

    def start(self, *words, **environ):
        return subprocess.run(
            [self.file, *words], env={"PATH": os.environ["PATH"], **environ},
            capture_output=True, text=True, timeout=HANG_SECONDS,
        )  # fmt: skip


def built(folder, word, **files):
    """Pack a program that says this word, with more files in it."""
    source = folder / "source"
    (source / "lib").mkdir(parents=True)
    (source / "crypitor").write_text(PROGRAM)
    (source / "crypitor").chmod(0o755)
    (source / "lib/word").write_text(f"{word}\n")
    (source / "link").symlink_to("lib/word")
    for name, content in files.items():
        (source / name).write_bytes(content)
    file, work = folder / "program", folder / "work"
    subprocess.run([sys.executable, ONE_FILE, source, file, work], check=True, timeout=HANG_SECONDS)
    return Built(file, (work / "carried/name").read_text())


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """It says "first"."""
    return built(tmp_path_factory.mktemp("first"), "first")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def seen(cache, program):
    """What lies in the cache: path → inode and time of the last change."""
    return {
        path: (path.lstat().st_ino, path.lstat().st_ctime_ns)
        for path in (cache / program.name).rglob("*")
    }


def test_it_becomes_the_program(program, cache):
    """Words, exit status and process are the program's own; it learns where it was started from."""
    done = program.start("end", "7", "two words", CRYPITOR_CACHE=str(cache))
    with subprocess.Popen(
        [program.file, "wait"], env={"CRYPITOR_CACHE": str(cache), "PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as waiting:  # fmt: skip
        own = waiting.stdout.readline().split()[0]
        waiting.terminate()
        status = waiting.wait(HANG_SECONDS)

    assert done.returncode == 7
    assert re.fullmatch(rf"\d+ {program.file} end 7 two words\nfirst\n", done.stdout)
    assert done.stderr == ""
    assert int(own) == waiting.pid
    assert status == -signal.SIGTERM


def test_it_unpacks_once(program, cache):
    """The second start finds what the first has made, and writes nothing."""
    program.start(CRYPITOR_CACHE=str(cache))
    before = seen(cache, program)
    again = program.start(CRYPITOR_CACHE=str(cache))

    assert again.stdout.endswith("first\n")
    assert len(before) == 4
    assert seen(cache, program) == before
    assert (cache / program.name / "link").is_symlink()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "lib/word").write_text("other\n"),  # of the same length
        lambda folder: (folder / "lib/word").write_text(""),
        lambda folder: (folder / "lib/word").unlink(),
        lambda folder: (folder / "crypitor").chmod(0o644),
        lambda folder: ((folder / "link").unlink(), (folder / "link").symlink_to("/etc/passwd")),
        shutil.rmtree,
        lambda folder: folder.chmod(0o777),
    ],
    ids=["changed", "emptied", "removed", "mode", "link", "all gone", "open to others"],
)  # fmt: skip
def test_what_was_damaged_is_unpacked_anew(program, cache, damage):
    """Whatever happened to what lies in the cache, the program runs as it was packed."""
    program.start(CRYPITOR_CACHE=str(cache))
    damage(cache / program.name)

    done = program.start(CRYPITOR_CACHE=str(cache))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\nfirst\n")
    assert (cache / program.name / "link").readlink() == Path("lib/word")
    assert [path.name for path in cache.glob("*.part-*")] == []


def test_a_cache_that_was_copied_is_good(program, cache, tmp_path):
    """Other inodes and times are no damage: it is read through once, and stays."""
    program.start(CRYPITOR_CACHE=str(cache))
    copy = tmp_path / "copy"
    shutil.copytree(cache, copy, symlinks=True)
    before = seen(copy, program)

    assert program.start(CRYPITOR_CACHE=str(copy)).stdout.endswith("first\n")
    assert seen(copy, program) == before


def test_many_may_start_at_once(program, cache):
    """Each runs, and one has unpacked."""
    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(program.start, CRYPITOR_CACHE=str(cache)) for _ in range(16)]
    done = [run.result() for run in runs]

    assert {(one.returncode, one.stdout.split("\n", 1)[1], one.stderr) for one in done} == {
        (0, "first\n", "")
    }
    assert sorted(path.suffix for path in cache.iterdir()) == ["", ".lock", ".stamp", ".used"]


def test_killed_while_it_unpacks_it_begins_again(tmp_path, cache):
    """Nothing half is ever run, and what was left is removed."""
    bulk = random.Random(1).randbytes(BULK_BYTES)
    program = built(tmp_path / "large", "large", bulk=bulk)
    process = subprocess.Popen(
        [program.file], env={"CRYPITOR_CACHE": str(cache)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + HANG_SECONDS
    while not list(cache.glob("*.part-*")):
        assert time.monotonic() < until
    process.kill()
    process.wait()
    left = list(cache.glob("*.part-*"))
    done = program.start(CRYPITOR_CACHE=str(cache))

    assert left
    assert (done.returncode, done.stdout.endswith("\nlarge\n")) == (0, True)
    assert list(cache.glob("*.part-*")) == []


def test_another_version_is_removed_when_nobody_needs_it(program, cache, tmp_path):
    """After a week in which it was not started, and not while it runs."""
    running, unused, recent = (
        built(tmp_path / word, word) for word in ("running", "unused", "recent")
    )
    environ = {"CRYPITOR_CACHE": str(cache), "PATH": os.environ["PATH"]}
    for other in (unused, recent):
        other.start(**environ)
    process = subprocess.Popen(
        [running.file, "wait"], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    for other in (running, unused):
        week_ago = time.time() - 8 * 24 * 3600
        os.utime(cache / f"{other.name}.used", (week_ago, week_ago))
    program.start(**environ)
    process.communicate(b"\n")

    kept = {path.name for path in cache.iterdir() if path.is_dir()}
    assert kept == {program.name, running.name, recent.name}
    assert not (cache / f"{unused.name}.stamp").exists()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"CRYPITOR_CACHE": "{}/one", "XDG_CACHE_HOME": "{}/two"}, "one"),
        ({"CACHE_DIRECTORY": "{}/one:{}/other", "XDG_CACHE_HOME": "{}/two"}, "one"),
        ({"XDG_CACHE_HOME": "{}/one", "HOME": "{}/two"}, "one/crypitor"),
        ({"XDG_CACHE_HOME": "not/absolute", "HOME": "{}/one"}, "one/.cache/crypitor"),
        ({"HOME": "{}/one"}, "one/.cache/crypitor"),
    ],
    ids=["CRYPITOR_CACHE", "CACHE_DIRECTORY", "XDG_CACHE_HOME", "relative", "HOME"],
)  # fmt: skip
def test_where_the_cache_is(program, tmp_path, environ, place):
    """As its own variable says, else systemd's, else the XDG Base Directory Specification."""
    done = program.start(
        **{name: value.format(tmp_path, tmp_path) for name, value in environ.items()}
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / place / program.name / "crypitor").exists()


def test_where_no_cache_can_be_written_it_says_so(program, tmp_path):
    """In one line, with the reason; and it runs out of a temporary directory."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    places = {"CRYPITOR_CACHE": "/proc/nowhere", "TMPDIR": str(temporary)}
    done, again = program.start(**places), program.start(**places)

    assert done.stdout.endswith("\nfirst\n")
    assert re.fullmatch(
        rf"crypitor: no cache directory can be used \([^\n]*/proc/nowhere[^\n]*\): unpacked into "
        rf"{temporary}/crypitor-{os.getuid()} instead, [^\n]*CRYPITOR_CACHE names a place\n",
        done.stderr,
    )
    assert again.stdout.endswith("\nfirst\n")


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        ('mkdir "$2"; mount -t tmpfs -o noexec tmpfs "$2"', "mounted noexec"),
        ('mkdir "$2"; mount -t tmpfs -o ro tmpfs "$2"', "read-only file system"),
        ('mkdir "$2"; mount -t tmpfs -o size=16k tmpfs "$2"', "no space left on device"),
        ('mkdir -m 777 "$2"; chmod 777 "$2"', "others may write to it"),
        ('touch "$2"', "not a directory"),
    ],
    ids=["noexec", "read-only", "full", "open to others", "a file"],
)
def test_a_cache_that_will_not_do_is_passed_over(program, cache, tmp_path, prepare, reason):
    """Whatever is the matter with it, the program runs, and the line says what it is."""
    large = reason.startswith("no space")
    if large:
        bulk = random.Random(2).randbytes(100_000)
        program = built(tmp_path / "large", "first", bulk=bulk)
    (tmp_path / "temporary").mkdir()
    done = inside(
        f'set -e; {prepare}; CRYPITOR_CACHE="$2" exec "$1"', program.file, cache,
        TMPDIR=str(tmp_path / "temporary"),
    )  # fmt: skip

    assert done.stdout.endswith("\nfirst\n"), done.stderr
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to somebody else")
def test_nothing_is_left_in_the_home_of_somebody_else(program, tmp_path):
    """As root by sudo, which may keep HOME."""
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 12345, 12345)
    done = program.start(CRYPITOR_CACHE=str(home / ".cache/crypitor"), TMPDIR=str(tmp_path))

    assert done.stdout.endswith("\nfirst\n")
    assert f"{home}: belongs to another user" in done.stderr
    assert list(home.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_what_root_has_unpacked_another_user_may_run(program):
    """As in an image, where the directory is made before and is open to all who read."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        open_copy = Path(folder, "program")
        shutil.copy(program.file, open_copy)
        cache = Path(folder, "cache")
        cache.mkdir(mode=0o755)
        program.start(CRYPITOR_CACHE=str(cache))
        done = subprocess.run(
            [open_copy], env={"CRYPITOR_CACHE": str(cache), "PATH": os.environ["PATH"]}, cwd="/",
            user=12345, group=12345, extra_groups=[], capture_output=True, text=True,
        )  # fmt: skip

    assert (done.stdout.split("\n", 1)[1], done.stderr) == ("first\n", "")


def test_a_cache_that_was_filled_before_may_be_read_only(program, cache):
    """As in an image: it is used, silently."""
    program.start(CRYPITOR_CACHE=str(cache))
    script = 'set -e; mount --bind "$2" "$2"; mount -o remount,bind,ro "$2"; exec "$1"'
    done = inside(script, program.file, cache, CRYPITOR_CACHE=str(cache))

    assert (done.stdout.split("\n", 1)[1], done.stderr) == ("first\n", "")


def test_without_any_place_it_says_which_were_tried(program):
    """And ends with status 1."""
    places = ("/var/cache", "/var/tmp", "/tmp", "/dev/shm")
    script = (
        f'mount --bind "$1" /mnt; for place in {" ".join(places)};'
        ' do mount -t tmpfs -o ro tmpfs $place; done; exec "/mnt/$2"'
    )
    done = inside(script, program.file.parent, program.file.name)

    assert done.returncode == 1
    assert done.stderr.startswith("crypitor: there is no place to unpack into: ")
    for place in places:
        assert f"{place}/crypitor" in done.stderr


def test_the_same_folder_makes_the_same_file(program, tmp_path):
    """Byte by byte, whenever and wherever it is packed."""
    again = built(tmp_path / "again", "first")

    assert again.name == program.name
    assert again.file.read_bytes() == program.file.read_bytes()


def test_an_older_c_library_is_told(tmp_path, cache):
    """What is needed and what is there, instead of the loader's complaint about a symbol."""
    program = built(tmp_path / "newer", "newer", library=b"\x7fELF\0GLIBC_2.17\0GLIBC_2.999\0")
    done = program.start(CRYPITOR_CACHE=str(cache))

    own = os.confstr("CS_GNU_LIBC_VERSION").split()[1]
    assert done.returncode == 1
    assert f"needs glibc 2.999 or newer, and this system has {own} (" in done.stderr
    assert not cache.exists()
