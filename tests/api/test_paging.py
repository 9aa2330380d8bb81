"""A page ends where it is full, of items or of bytes, and all pages together have everything once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypitor.api.build import OPERATIONS
from crypitor.api.serving.fitting import MOST_PAGE_BYTES, fitting


def items_from(sizes):
    """Return what reads items, newest first, each a place and a size."""
    rows = list(enumerate(sizes))

    async def read(count, cursor):
        first = 0 if cursor is None else int(cursor) + 1
        return rows[first : first + count]

    return rows, read


@given(st.lists(st.integers(1, 500), max_size=120), st.integers(1, 50), st.integers(1, 2_000))
async def test_pages_have_everything_once_and_are_small(sizes, limit, most_bytes):
    """Each has something, no more than the limit, and no more bytes unless it is one item."""
    rows, read = items_from(sizes)
    seen, cursor, more = [], None, True
    while more:
        page, more = await fitting(
            read,
            limit,
            cursor,
            cursor_of=lambda row: str(row[0]),
            size_of=lambda row: row[1],
            most_bytes=most_bytes,
        )
        assert len(page) <= limit
        assert len(page) <= 1 or sum(size for _, size in page) <= most_bytes
        assert page or not rows
        seen += page
        cursor = str(page[-1][0]) if page else None

    assert seen == rows


async def test_a_list_of_large_monitors_comes_in_pages_of_some_megabytes(api):
    """However many the caller asks for."""
    note, count = "n" * 10_000, 12
    contracts = [f"0x{number:040x}" for number in range(1_000)]
    rules = [{"kind": "erc20", "contracts": contracts} for _ in range(12)]
    for number in range(count):
        body = {"networks": ["dev"], "name": str(number), "note": note, "rules": rules}
        await api.made("/v1/monitors", body)
    names, cursor = [], ""
    while cursor is not None:
        answer, page = await api.call("GET", f"/v1/monitors?limit=1000{cursor}")
        assert int(answer.headers["Content-Length"]) < 1.2 * MOST_PAGE_BYTES
        names += [one["name"] for one in page["data"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"

    assert sorted(names, key=int) == [str(number) for number in range(count)]


async def test_a_list_of_large_endpoints_comes_in_pages_of_some_megabytes(api):
    """Each with all that it may have, and in either order."""
    headers = {f"X-{number}": "x" * 4_000 for number in range(32)}
    body = {
        "url": "https://example.com/hook",
        "headers": headers,
        "template": {"body": f'"{"x" * 16_000}"'},
    }
    made = [(await api.made("/v1/endpoints", body))["id"] for _ in range(40)]
    for order in ("asc", "desc"):
        ids, cursor, pages = [], "", 0
        while cursor is not None:
            answer, page = await api.call("GET", f"/v1/endpoints?limit=1000&order={order}{cursor}")
            assert int(answer.headers["Content-Length"]) < 1.2 * MOST_PAGE_BYTES
            ids += [one["id"] for one in page["data"]]
            cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
            pages += 1

        assert ids == (made if order == "asc" else made[::-1])
        assert pages > 1


LISTS = [one for one in OPERATIONS if one.query and "cursor" in one.query.model_fields]


@pytest.mark.parametrize("operation", LISTS, ids=lambda one: one.name)
async def test_what_is_no_cursor_is_refused_everywhere(api, operation):
    """400 that names the parameter, whatever stands there; never an error, never the first page."""
    made = await api.made("/v1/monitors", {"networks": ["dev"]})
    path = operation.path.replace("{id}", made["id"])
    for cursor in ("x", "-1", "%00", "1e9", "0" * 200, "..", "'", "%F0%9F%98%80", "null", "ma_"):
        answer, told = await api.call("GET", f"{path}?cursor={cursor}")
        assert answer.status in (400, 410), (cursor, told)
        if answer.status == 400:
            assert [one["pointer"] for one in told["errors"]] == ["?cursor"], cursor
