"""Renders templates; what stands on a page is handed in."""

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

from crypitor.dashboard.words import FILTERS

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


def rendered(name: str, base_path: str = "", **content: object) -> str:
    """Return a template of this folder (`monitors/list.html`), filled in.

    base_path: before every path of ours in it, as the browser sees them.
    """
    text: str = _environment(base_path).get_template(name).render(**content)
    return text


@cache
def stamp(name: str) -> str:
    """Return what changes when a static file does; it ends the browser's copy of the old one."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:8]


_OWN_PATH = re.compile(
    r'\b(href|action|src|hx-get|hx-post|data-live|data-path)="(?=/(?!/)|{{(?! explorer))'
)


def _source(name: str) -> str:
    """Return a template with what stands before all paths put to those that begin at the root.

    What an attribute takes from a value is a path of ours too, but for explorers' URLs.
    """
    return _OWN_PATH.sub(r'\1="{{ base_path }}', (FOLDER / name).read_text("utf-8"))


@cache
def _environment(base_path: str) -> "Environment":
    # Imported with the first page that somebody looks at.
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals |= {"stamp": stamp, "base_path": base_path}
    return environment
