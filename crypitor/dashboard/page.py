"""Renders templates; what stands on a page is handed in."""

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

from crypitor.dashboard.words import FILTERS

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


def rendered(name: str, **content: object) -> str:
    """Return a template of this folder (`monitors/list.html`), filled in."""
    text: str = _environment().get_template(name).render(**content)
    return text


@cache
def stamp(name: str) -> str:
    """Return what changes when a static file does; it ends the browser's copy of the old one."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:8]


@cache
def _environment() -> "Environment":
    # Imported with the first page that somebody looks at.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals["stamp"] = stamp
    return environment
