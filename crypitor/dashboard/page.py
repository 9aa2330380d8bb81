"""Renders the pages; what stands on them is handed in."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
NOTHING = "\N{EN DASH}"


def overview(
    networks: Sequence[Mapping[str, Any]],
    counts: Mapping[str, int],
    endpoints: Sequence[Mapping[str, Any]],
    matches: Sequence[Mapping[str, Any]],
    deliveries: Sequence[Mapping[str, Any]],
) -> str:
    """Return the changing part of the first page: an HTML fragment.

    networks, matches, deliveries: as the REST API answers them, newest first. counts: of endpoints
    in each state. endpoints: some of them, those in trouble first, as the REST API answers them,
    with `pending` deliveries, `more_pending` where these are not all, and the last `error`.
    """
    symbols = {network["name"]: network["symbol"] for network in networks}
    explorers = {network["name"]: network["explorer"] for network in networks}
    return _rendered(
        "overview.html",
        networks=networks,
        counts=counts,
        endpoints=endpoints,
        matches=matches,
        deliveries=deliveries,
        symbols=symbols,
        explorers=explorers,
    )


def first_page(content: str | None, version: str) -> str:
    """Return the first page.

    content: its changing part; None where a key is needed, which the page then asks for.
    """
    return _rendered("page.html", content=content, version=version)


def docs_page() -> str:
    """Return the page in which Swagger UI shows the OpenAPI document."""
    return _rendered("docs.html")


def short(text: str | None) -> str:
    """Return a hash or an address as people recognise it: both its ends."""
    if not text:
        return NOTHING
    return text if len(text) < 16 else f"{text[:8]}…{text[-6:]}"


def clock(time: str | None) -> str:
    """Return hours, minutes and seconds of an RFC 3339 time."""
    return time[11:19] if time else NOTHING


def minute(time: str) -> str:
    """Return day, hours and minutes of an RFC 3339 time."""
    return time[:16].replace("T", " ")


def grouped(number: int | None) -> str:
    """Return a number with thin spaces between its thousands."""
    return NOTHING if number is None else f"{number:,}".replace(",", "\u202f")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(short=short, clock=clock, minute=minute, grouped=grouped)
    return environment


def _rendered(name: str, **content: object) -> str:
    text: str = _environment().get_template(name).render(**content)
    return text
