"""What `crypitor --version` tells."""

import platform
import re
import sqlite3
import subprocess
import tomllib
from pathlib import Path

from crypitor.runtime.version import commit, description

REPOSITORY = Path(__file__).resolve().parents[2]


def test_it_is_one_line_with_all_that_a_report_needs():
    """Version of pyproject.toml, commit, Python, SQLite."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    assert description() == (
        f"crypitor {project['version']} (commit {commit()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version})"
    )


def test_a_checkout_is_asked_for_its_commit():
    """Its first twelve digits, and whether there is more than it in the files."""
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout

    digits, dirty = re.fullmatch(r"([0-9a-f]{12,40})(-dirty)?", commit()).groups()
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=REPOSITORY).returncode
    assert head.startswith(digits)
    assert bool(dirty) == bool(changed)
