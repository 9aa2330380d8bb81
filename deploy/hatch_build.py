"""Writes into a wheel which commit it was made from, and the documentation as a site.

CRYPITOR_COMMIT says it where there is no git.
"""

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Commit(BuildHookInterface):
    """Adds the file that `crypitor --version` reads, and what /help shows."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the file before the wheel is put together."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from crypitor.runtime.version import commit  # noqa: PLC0415 - after the line above

        file = Path(self.root, "build", "commit")
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{os.environ.get('CRYPITOR_COMMIT') or commit()}\n", encoding="ascii")
        build_data["force_include"][str(file)] = "crypitor/_shipped/commit"
        site = Path(self.root, "build", "site")
        if site.is_dir():  # of `make docs`; without it /help says that it was not built
            build_data["force_include"][str(site)] = "crypitor/_shipped/build/site"
