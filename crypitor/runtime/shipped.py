"""Files that are part of the program without being Python: where they lie."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED = _PACKAGE / "_shipped"


def shipped(name: str) -> Path:
    """Return where a file of the repository lies: in a checkout, or within what was installed.

    name: its path in the repository, such as `deploy/crypitor.service`.
    """
    return (_INSTALLED if _INSTALLED.exists() else _PACKAGE.parent) / name
