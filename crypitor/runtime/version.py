"""What exactly is running: for a report of trouble, and to tell two builds apart."""

import platform
import sqlite3
import subprocess

from crypitor import __version__
from crypitor.runtime.shipped import shipped

UNKNOWN = "unknown"


def commit() -> str:
    """Return the commit this was made from; `-dirty` at its end where more was changed.

    What was built carries it as a file; a checkout is asked.
    """
    try:
        return shipped("commit").read_text(encoding="ascii").strip() or UNKNOWN
    except OSError:
        return _described()


def _described() -> str:
    checkout = shipped(".git")
    if not checkout.exists():
        return UNKNOWN
    command = ["git", "-C", str(checkout.parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(  # noqa: S603 - the words are ours
            [*command, "--exclude=*"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN
    return done.stdout.strip()


def description() -> str:
    """Return version, commit, Python and SQLite in one line."""
    parts = (
        f"commit {commit()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
    return f"crypitor {__version__} ({parts})"
