"""Cases that other projects collected, read from where the recorded material lies."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("CRYPITOR_SHARED", Path(__file__).parents[3] / "shared"))


def cases(*path: str) -> Any:
    """Return a JSON document; skip the test where it is absent, but fail in CI."""
    return json.loads(text(*path))


def text(*path: str) -> str:
    """Return a text file; skip the test where it is absent, but fail in CI."""
    file = SHARED.joinpath(*path)
    if file.is_file():
        return file.read_text()
    message = f"{file} is absent; set CRYPITOR_SHARED to where it is"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
