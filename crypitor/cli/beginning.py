"""`init`: the first configuration, and the unit that keeps the service running."""

import errno
import os
import shlex
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from crypitor.cli.opened import DEFAULT_CONFIG, failure
from crypitor.cli.saying import say
from crypitor.runtime.shipped import shipped

PROGRAM = "CRYPITOR_PROGRAM"
"""The variable in which the one-file program tells where it was started from."""

HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
"""What a unit with ProtectHome=yes cannot see."""

OWN = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - nothing is written there
"""What it has of its own, empty, with PrivateTmp=yes."""

_READABLE, _ENTERED = stat.S_IROTH, stat.S_IXOTH


def init(
    config: Annotated[
        Path, typer.Option("--config", envvar="CRYPITOR_CONFIG", help="Where it is written.")
    ] = DEFAULT_CONFIG,
    *,
    systemd: Annotated[
        bool, typer.Option("--systemd", help="Print a systemd unit with this machine's paths.")
    ] = False,
) -> None:
    """Write a configuration with every key explained; never over one that is there."""
    place = config.absolute()
    if _written(place):
        say(f"wrote {place}: put your node's URL into networks.ethereum.rpc", err=systemd)
    elif systemd:
        say(f"{place} is there already and stays as it is", err=True)
    else:
        raise failure(f"{place} is there already; --config names another place")
    if systemd:
        program = running_program()
        for sentence in obstacles(place, program):
            say(f"crypitor: {sentence}", err=True)
        say(unit(program, place), nl=False)


def _written(place: Path) -> bool:
    """Write the file; say whether there was none before."""
    content = shipped("config.toml").read_bytes()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(place):
            return False
        with place.open("xb", buffering=0) as file:  # in one piece: no part of it is ever seen
            written = file.write(content)
    except OSError as wrong:
        raise failure(f"{place} cannot be written: {wrong.strerror}") from wrong
    if written != len(content):
        place.unlink()
        raise failure(f"{place} cannot be written: {os.strerror(errno.ENOSPC)}")
    return True


def running_program() -> Path:
    """Return the command that a unit has to start to get the program that runs now."""
    if carried := os.environ.get(PROGRAM):
        return Path(carried)
    if getattr(sys, "frozen", False):
        return Path(sys.executable)
    beside = Path(sys.executable).with_name("crypitor")
    found = beside if beside.exists() else shutil.which("crypitor")
    return Path(found or sys.argv[0]).absolute()


def unit(program: Path, config: Path) -> str:
    """Return the text of a systemd unit that runs this program with this configuration."""
    lines = shipped("deploy/crypitor.service").read_text(encoding="utf-8").splitlines()
    command = " ".join(map(_word, (str(program), "run", "--config", str(config))))
    values = {
        "ExecStart": command,
        "EnvironmentFile": f"-{_specifiers(str(config.with_name('environment')))}",
    }
    if _below(program, HOMES) or _below(config, HOMES):
        values["ProtectHome"] = "read-only"
    told = {key: f"{key}={value}" for key, value in values.items()}
    return "\n".join(told.get(line.partition("=")[0], line) for line in lines) + "\n"


def obstacles(config: Path, program: Path) -> Iterator[str]:
    """Yield a sentence for each file that the service's own user will not be able to read."""
    files = [config, program]
    if not getattr(sys, "frozen", False):
        files.append(Path(sys.executable).resolve())
    for file in files:
        if _below(file, OWN):
            yield f"the service has a /tmp of its own and does not see {file}: move it"
        elif closed := barrier(file):
            reason = "" if closed == file else f", as {closed} is closed"
            words = _cure(file, closed)
            yield f"the service runs as a user that cannot read {file}{reason}: {words}"


def _cure(file: Path, closed: Path) -> str:
    if not _below(closed, HOMES):
        return f"chmod o+rX {shlex.quote(str(closed))}, or move it"
    # A home is closed for good reason.
    if file in (Path(sys.executable).resolve(), Path(sys.executable)):
        return "make .venv anew with the system's Python (make setup PYTHON=/usr/bin/python3)"
    return "move it to where all may read, such as /opt"


def barrier(file: Path) -> Path | None:
    """Return what keeps everybody else from this file: itself, or a folder above it."""
    for folder in reversed(file.parents):
        if not folder.stat().st_mode & _ENTERED:
            return folder
    return None if file.stat().st_mode & _READABLE else file


def _below(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _word(text: str) -> str:
    """Return a word of a command line as systemd reads it (systemd.service, command lines)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    escaped = _specifiers(escaped)
    return f'"{escaped}"' if set(text) & set(" \t'\"\\;") else escaped


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")
