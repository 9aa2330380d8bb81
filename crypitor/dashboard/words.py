"""How values are written for people: the filters of the templates. Pure."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

from crypitor.runtime.redaction import shown

NOTHING = "\N{EN DASH}"
THIN = "\N{NARROW NO-BREAK SPACE}"

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
_GRID = 5


def short(text: str | None) -> str:
    """Return a hash or an address as people recognise it: both its ends."""
    if not text:
        return NOTHING
    return text if len(text) < 16 else f"{text[:8]}…{text[-6:]}"


def clock(time: str | None) -> str:
    """Return hours, minutes and seconds of an RFC 3339 time."""
    return time[11:19] if time else NOTHING


def minute(time: str | None) -> str:
    """Return day, hours and minutes of an RFC 3339 time."""
    return time[:16].replace("T", " ") if time else NOTHING


def second(time: str | None) -> str:
    """Return day, hours, minutes and seconds of an RFC 3339 time."""
    return time[:19].replace("T", " ") if time else NOTHING


def grouped(number: float | str | None) -> str:
    """Return a number, or its decimal text, with thin spaces between its thousands."""
    if number is None or number == "":
        return NOTHING
    whole, dot, fraction = str(number).partition(".")
    digits = whole.lstrip("-")
    if not digits.isdecimal():
        return str(number)
    first = len(digits) % 3 or 3
    threes = [digits[:first], *(digits[at : at + 3] for at in range(first, len(digits), 3))]
    return whole[: len(whole) - len(digits)] + THIN.join(threes) + dot + fraction


def rounded(amount: str) -> str:
    """Return decimal text as a glance takes it in: cut to six digits of its fraction.

    What is smaller keeps its first three digits that are not 0; a number of more than 24 digits is
    told by its size. The whole stands in its title.
    """
    whole, _, fraction = amount.partition(".")
    if len(whole) > 24:
        return f"{whole[0]}.{whole[1:4]}e{len(whole) - 1}"
    if whole.strip("-0") or not fraction.strip("0"):
        kept = fraction[:6]
    else:
        leading = len(fraction) - len(fraction.lstrip("0"))
        kept = fraction[: max(6, leading + 3)]
    kept = kept.rstrip("0")
    return f"{whole}.{kept}" if kept else whole


def lasting(seconds: float | None) -> str:
    """Return a time span in its two largest units."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f}{THIN}s"
    left = round(seconds)
    words: list[str] = []
    for size, unit in _UNITS:
        if left >= size and len(words) < 2:
            words.append(f"{left // size}{THIN}{unit}")
            left %= size
        elif words:
            break
    return " ".join(words)


def told_ms(value: float) -> str:
    """Return milliseconds in words: from a second on in seconds."""
    if value < 1000:
        return f"{value:.0f} ms"
    return f"{value / 1000:.1f} s" if value < 10_000 else f"{value / 1000:,.0f} s"


def bytes_(count: float) -> str:
    """Return a size in bytes, in the largest unit of which it has at least one."""
    unit = 0
    while count >= 1000 and unit < len(_SIZES) - 1:
        count, unit = count / 1000, unit + 1
    text = f"{count:.1f}" if unit > 0 and count < 100 else f"{count:.0f}"
    return f"{text}{THIN}{_SIZES[unit]}"


def share(part: float, whole: float) -> int:
    """Return a part in percent, 0 to 100."""
    return 100 if whole <= 0 else max(0, min(100, int(100 * part / whole)))


def identicon(address: str | None) -> Markup:
    """Return a small picture that an address has to itself, as SVG."""
    digest = hashlib.sha256((address or "").encode()).digest()
    hue, cells = digest[0] * 360 // 256, []
    for row in range(_GRID):
        for column in range(_GRID):
            if digest[1 + row * 3 + min(column, _GRID - 1 - column)] & 1:
                cells.append(f"M{column} {row}h1v1h-1z")  # noqa: PERF401 - two loops and a test
    return Markup(  # noqa: S704 - numbers and letters of our own
        f'<svg class="identicon" viewBox="0 0 5 5" aria-hidden="true" fill="hsl({hue} 50% 50%)">'
        f'<path d="{"".join(cells)}"/></svg>'
    )


def bars(counts: Sequence[float], width: int = 120, height: int = 28, most: float = 0) -> Markup:
    """Return counts as a row of bars, oldest first, as SVG; at least one pixel where any is.

    most: what is as high as the picture, where that is more than the highest.
    """
    most, step = max([*counts, most, 1]), width / max(len(counts), 1)
    path = "".join(
        f"M{place * step:.1f} {height}v-{max(count / most * height, 1.5):.1f}"
        f"h{step * 0.72:.1f}V{height}z"
        for place, count in enumerate(counts)
        if count
    )
    return Markup(  # noqa: S704 - numbers of our own
        f'<svg class="bars" viewBox="0 0 {width} {height}" preserveAspectRatio="none" '
        f'aria-hidden="true"><path d="{path}"/></svg>'
    )


def pretty(document: Any) -> str:
    """Return JSON, given as a value or as text, with a line for each member."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return str(document)
    return json.dumps(document, indent=2, ensure_ascii=False)


def query(chosen: Mapping[str, object]) -> str:
    """Return a query string of what is given, with its question mark; empty for nothing."""
    text = urlencode({name: value for name, value in chosen.items() if value not in (None, "")})
    return f"?{text}" if text else ""


def bold(text: str, position: int, length: int = 1) -> Markup:
    """Return text with some of it marked."""
    before, part = text[:position], text[position : position + length]
    return Markup("{}<mark>{}</mark>{}").format(before, part, text[position + length :])


def called(endpoint: Mapping[str, Any]) -> str:
    """Return what an endpoint is called: its name, or where it is, without keys that a URL holds.

    endpoint: as the API answers it.
    """
    return str(endpoint["description"] or shown(endpoint["url"]))


def plural(count: int, one: str, many: str | None = None) -> Markup:
    """Return a count with its word."""
    return escape(f"{grouped(count)} {one if count == 1 else many or one + 's'}")


FILTERS: Mapping[str, Callable[..., Any]] = {
    filtered.__name__.rstrip("_"): filtered
    for filtered in (
        short, clock, minute, second, grouped, lasting, identicon, bars, pretty, query, bold,
        plural, rounded, share, bytes_, called, told_ms,
    )
}  # fmt: skip
