"""Cases that other projects collected, read from where the recorded blocks are."""

import json
from typing import Any

from tests.recorded import DATA, required


def cases(*path: str) -> Any:
    """Return a JSON document."""
    required()
    return json.loads(DATA.joinpath(*path).read_text())
