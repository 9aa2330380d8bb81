"""Renders templates; what stands on a page is handed in."""

import hashlib
import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension

from crypitor.dashboard.words import FILTERS

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


def rendered(name: str, base_path: str = "", **content: object) -> str:
    """Return a template of this folder (`monitors/list.html`), filled in.

    base_path: before every path of ours in it, as the browser sees them.
    """
    text: str = _environment(base_path).get_template(name).render(**content)
    return text


def docs_page(base_path: str = "") -> str:
    """Return the page in which Swagger UI shows the OpenAPI document."""
    return rendered("templates/docs.html", base_path)


@cache
def stamp(name: str) -> str:
    """Return what changes when a static file does; it ends the browser's copy of the old one."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:8]


class _BehindProxies(Extension):
    """Puts what stands before all paths to those that templates have, which begin at the root.

    What an attribute takes from a value is a path of ours too, but for explorers' URLs.
    """

    def preprocess(
        self,
        source: str,
        name: str | None,  # noqa: ARG002 - the same for all
        filename: str | None = None,  # noqa: ARG002
    ) -> str:
        """Return the template as it is compiled."""
        return _OWN_PATH.sub(r'\1="{{ base_path }}', source)


_OWN_PATH = re.compile(
    r'\b(href|action|src|hx-get|hx-post|data-live|data-document)="(?=/(?!/)|{{(?! explorer))'
)


@cache
def _environment(base_path: str) -> Environment:
    environment = Environment(
        extensions=[_BehindProxies],
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals |= {"stamp": stamp, "base_path": base_path}
    return environment
